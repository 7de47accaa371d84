/** SentencePiece's precompiled character map, which the tokenizer library only approximates. */
import type { Tokenizer } from '@huggingface/tokenizers'
import { TextError } from './errors.ts'

/** Graphemes from this many bytes on are looked up character by character, as in the reference implementation. */
const LONG_GRAPHEME_BYTES = 6
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** What the library keeps of a normalizer; its types do not say so, but the version is fixed. */
interface LibraryNormalizer {
  readonly config?: { readonly type?: string; readonly precompiled_charsmap?: string | null }
  readonly normalizers?: readonly (LibraryNormalizer | null)[]
  normalize(text: string): string
}

/** Makes the precompiled normalizers of a tokenizer exact. Throws TextError for a map that cannot be read. */
export function usePrecompiledMaps(tokenizer: Tokenizer): void {
  const visit = (normalizer: LibraryNormalizer | null | undefined): void => {
    for (const one of normalizer?.normalizers ?? []) visit(one)
    const map = normalizer?.config?.precompiled_charsmap
    if (normalizer?.config?.type === 'Precompiled' && map) normalizer.normalize = createNormalizer(map)
  }
  visit((tokenizer as unknown as { readonly normalizer?: LibraryNormalizer | null }).normalizer)
}

/** Returns the function of a map in base64: the bytes of a double-array trie with their number, then texts that end with 0. */
export function createNormalizer(map: string): (text: string) => string {
  const bytes = Buffer.from(map, 'base64')
  const size = bytes.length < 4 ? Infinity : bytes.readUInt32LE(0)
  if (size % 4 !== 0 || size + 4 > bytes.length)
    throw new TextError('tokenizer.json: precompiled_charsmap: expected a trie and its texts, got other bytes')
  const trie = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i))
  const texts = bytes.subarray(4 + size)
  const replace = (piece: Buffer): string | undefined => {
    const found = shortestPrefix(trie, piece)
    return found === undefined ? undefined : texts.toString('utf8', found, texts.indexOf(0, found))
  }
  return (text) => {
    let normalized = ''
    for (const { segment } of graphemes.segment(text)) {
      const piece = Buffer.from(segment)
      const whole = piece.length < LONG_GRAPHEME_BYTES ? replace(piece) : undefined
      if (whole !== undefined) normalized += whole
      else for (const character of segment) normalized += replace(Buffer.from(character)) ?? character
    }
    return normalized
  }
}

/** Where the text for the shortest prefix of `key` begins, that the trie has. */
function shortestPrefix(trie: Uint32Array, key: Buffer): number | undefined {
  const offset = (unit: number): number => (unit >>> 10) << ((unit & 512) >>> 6)
  let node = offset(trie[0] ?? 0)
  for (const byte of key) {
    node ^= byte
    const unit = trie[node] ?? 0
    // The label of a unit is its lowest byte; a set highest bit marks a value
    if ((unit & 0x8000_00ff) !== byte) return undefined
    node ^= offset(unit)
    if (unit & 256) return (trie[node] ?? 0) & 0x7fff_ffff
  }
  return undefined
}
