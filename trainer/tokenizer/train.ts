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
  characterPreTokenizer,
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
  })
}

/** A tokenizer of the 256 bytes and the special tokens. */
export function byteTokenizer(special: readonly string[]): TokenizerFiles {
  const symbols = native.byteLevelAlphabet().toSorted(byCodePoint)
  const parts = { symbols, merges: [], special }
  return assembleTokenizer({ ...parts, preTokenizer: byteLevelPreTokenizer, decoder: byteLevelDecoder })
}

/**
 * A tokenizer of the characters in the files, the most frequent first when there are more than `vocab` leaves room for.
 * It is a byte-level BPE that merges only the bytes of one character, so characters never seen stay bytes and no text
 * is lost; a character of three or four bytes costs a token for its beginning too.
 */
export async function trainCharacters(options: {
  readonly files: readonly string[]
  readonly vocab: number
  readonly special: readonly string[]
}): Promise<TokenizerFiles> {
  const symbols = native.byteLevelAlphabet().toSorted(byCodePoint)
  const least = symbols.length + options.special.length
  if (options.vocab < least) {
    throw new TokenizerError(`vocabulary: expected at least ${least} tokens, got ${options.vocab}`)
  }
  const counts = await countCharacters(options.files)
  const frequent = [...counts]
    .toSorted((a, b) => b[1] - a[1] || byCodePoint(a[0], b[0]))
    .map(([character]) => character)
  return assembleTokenizer({
    symbols,
    merges: characterMerges(frequent, options.vocab - least),
    special: options.special,
    preTokenizer: characterPreTokenizer,
    decoder: byteLevelDecoder,
  })
}

/** The merges that make characters of their bytes, at most `room` of them. */
function characterMerges(characters: readonly string[], room: number): (readonly [string, string])[] {
  const whole = native.byteLevelPreTokenizer(false, false)
  const merges = new Map<string, readonly [string, string]>()
  for (const character of characters) {
    const bytes = Array.from(whole.preTokenizeString(character)[0]?.[0] ?? '')
    const needed = bytes.slice(1).map((byte, i) => [bytes.slice(0, i + 1).join(''), byte] as const)
    const missing = needed.filter((pair) => !merges.has(pair.join('')))
    if (merges.size + missing.length <= room) for (const pair of missing) merges.set(pair.join(''), pair)
  }
  return [...merges.values()]
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
    model: bpeModel({}, []),
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
