/** Makes tokenizers from text: byte-level BPE, bytes, characters. */
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import native from 'tokenizers'
import {
  assembleTokenizer,
  bpeModel,
  byteLevelDecoder,
  byteLevelPreTokenizer,
  TokenizerError,
  type TokenizerFiles,
  type TokenizerJson,
} from './format.ts'

/** The native trainer always aims at this many tokens; a larger vocabulary cannot be asked of it. */
const nativeVocabulary = 30_000

/**
 * A byte-level BPE of at most `vocab` tokens, special tokens included; fewer when the text has too few pairs.
 * BPE is greedy, so the first merges of a larger training are those of a smaller one (libraries.md, finding 6).
 */
export async function trainBpe(options: {
  readonly files: readonly string[]
  readonly vocab: number
  readonly special: readonly string[]
}): Promise<TokenizerFiles> {
  const { files, vocab, special } = options
  const symbols = native.byteLevelAlphabet().toSorted(byCodePoint)
  const room = vocab - symbols.length - special.length
  if (room < 0 || vocab > nativeVocabulary) {
    const least = symbols.length + special.length
    throw new TokenizerError(`vocabulary: expected ${least} to ${nativeVocabulary} tokens, got ${vocab}`)
  }
  const merges = (await nativeMerges(files)).slice(0, room)
  return assembleTokenizer({
    symbols,
    merges,
    special,
    preTokenizer: byteLevelPreTokenizer,
    decoder: byteLevelDecoder,
    byteFallback: false,
  })
}

/** A tokenizer of the 256 bytes and the special tokens. */
export function byteTokenizer(special: readonly string[]): TokenizerFiles {
  const symbols = native.byteLevelAlphabet().toSorted(byCodePoint)
  const parts = { symbols, merges: [], special, byteFallback: false }
  return assembleTokenizer({ ...parts, preTokenizer: byteLevelPreTokenizer, decoder: byteLevelDecoder })
}

/**
 * A tokenizer of the characters in the files, most frequent first when there are more than `vocab` leaves room for.
 * Other characters become bytes (256 tokens <0xNN>), so no text is lost.
 */
export async function trainCharacters(options: {
  readonly files: readonly string[]
  readonly vocab: number
  readonly special: readonly string[]
}): Promise<TokenizerFiles> {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  const room = options.vocab - bytes.length - options.special.length
  if (room < 0) {
    const least = bytes.length + options.special.length
    throw new TokenizerError(`vocabulary: expected at least ${least} tokens, got ${options.vocab}`)
  }
  const counts = await countCharacters(options.files)
  const kept = [...counts].toSorted((a, b) => b[1] - a[1] || byCodePoint(a[0], b[0])).slice(0, room)
  return assembleTokenizer({
    symbols: [...bytes, ...kept.map(([character]) => character).toSorted(byCodePoint)],
    merges: [],
    special: options.special,
    preTokenizer: {
      type: 'Split',
      pattern: { Regex: '\\P{White_Space}+|\\p{White_Space}' },
      behavior: 'Isolated',
      invert: false,
    },
    decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
    byteFallback: true,
  })
}

async function nativeMerges(files: readonly string[]): Promise<(readonly [string, string])[]> {
  const empty: TokenizerJson = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevelPreTokenizer,
    post_processor: null,
    decoder: byteLevelDecoder,
    model: bpeModel({}, [], false),
  }
  const tokenizer = native.Tokenizer.fromString(JSON.stringify(empty))
  tokenizer.train([...files])
  const folder = await mkdtemp(join(tmpdir(), 'mneme-tokenizer-'))
  try {
    const path = join(folder, 'tokenizer.json')
    tokenizer.save(path)
    const saved = JSON.parse(await readFile(path, 'utf8')) as { model: { merges: (string | [string, string])[] } }
    return saved.model.merges.map((pair) => (typeof pair === 'string' ? (pair.split(' ') as [string, string]) : pair))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function countCharacters(files: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const file of files) {
    for await (const piece of createReadStream(file, 'utf8')) {
      for (const character of piece as string) counts.set(character, (counts.get(character) ?? 0) + 1)
    }
  }
  return counts
}

function byCodePoint(a: string, b: string): number {
  return (a.codePointAt(0) as number) - (b.codePointAt(0) as number)
}
