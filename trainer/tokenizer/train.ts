/** Makes tokenizers from text: byte-level BPE, bytes, characters. */
import { learnMerges, type Merge } from './bpe.ts'
import { byteSymbols, symbolsOf } from './byte-symbols.ts'
import {
  assembleTokenizer,
  byteLevelDecoder,
  byteLevelPreTokenizer,
  characterPreTokenizer,
  TokenizerError,
  type TokenizerFiles,
  wordPattern,
} from './format.ts'

/** No tokenizer in use comes near this. */
const mostTokens = 1_000_000

export interface LearnOptions {
  /** Parts of text, in order; each ends where a word does. */
  readonly texts: AsyncIterable<string> | Iterable<string>
  /** Most tokens, special ones included. */
  readonly vocab: number
  readonly special: readonly string[]
  readonly progress?: (learned: number, room: number) => void
}

/**
 * A byte-level BPE of at most `vocab` tokens, special tokens included; fewer when the text has too few pairs. Merges
 * are those of Hugging Face's trainer: words are counted line by line, and of equally frequent pairs the first wins.
 */
export async function trainBpe({ texts, vocab, special, progress }: LearnOptions): Promise<TokenizerFiles> {
  const room = roomFor(vocab, special)
  const counts = await countWords(texts)
  const words = new Map([...counts].map(([word, count]) => [symbolsOf(word), count]))
  const merges = await learnMerges(words, { symbols: byteSymbols, room, ...(progress ? { progress } : {}) })
  return assembleTokenizer({
    symbols: byteSymbols,
    merges,
    special,
    preTokenizer: byteLevelPreTokenizer,
    decoder: byteLevelDecoder,
  })
}

/** A tokenizer of the 256 bytes and the special tokens. */
export function byteTokenizer(special: readonly string[]): TokenizerFiles {
  const parts = { symbols: byteSymbols, merges: [], special }
  return assembleTokenizer({ ...parts, preTokenizer: byteLevelPreTokenizer, decoder: byteLevelDecoder })
}

/**
 * A tokenizer of the characters of a text, the most frequent first when there are more than `vocab` leaves room for.
 * It is a byte-level BPE that merges only the bytes of one character, so characters never seen stay bytes and no text
 * is lost; a character of three or four bytes costs a token for its beginning too.
 */
export async function trainCharacters({ texts, vocab, special }: LearnOptions): Promise<TokenizerFiles> {
  const room = roomFor(vocab, special)
  const counts = new Map<string, number>()
  for await (const text of texts) for (const character of text) count(counts, character)
  const frequent = [...counts]
    .toSorted((a, b) => b[1] - a[1] || byCodePoint(a[0], b[0]))
    .map(([character]) => character)
  return assembleTokenizer({
    symbols: byteSymbols,
    merges: characterMerges(frequent, room),
    special,
    preTokenizer: characterPreTokenizer,
    decoder: byteLevelDecoder,
  })
}

/** Tokens beside the bytes and the special ones. Throws TokenizerError. */
function roomFor(vocab: number, special: readonly string[]): number {
  const least = byteSymbols.length + special.length
  if (vocab < least || vocab > mostTokens)
    throw new TokenizerError(`vocabulary: expected ${least} to ${mostTokens} tokens, got ${vocab}`)
  return vocab - least
}

/** How often each word is in the text, lines taken one by one. */
async function countWords(texts: LearnOptions['texts']): Promise<Map<string, number>> {
  const pattern = new RegExp(wordPattern, 'gu')
  const counts = new Map<string, number>()
  for await (const text of texts)
    for (const line of text.split(/(?<=\n)/)) for (const [word] of line.matchAll(pattern)) count(counts, word)
  return counts
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** The merges that make characters of their bytes, at most `room` of them. */
function characterMerges(characters: readonly string[], room: number): Merge[] {
  const merges = new Map<string, Merge>()
  for (const character of characters) {
    const bytes = Array.from(symbolsOf(character))
    const needed = bytes.slice(1).map((byte, i) => [bytes.slice(0, i + 1).join(''), byte] as const)
    const missing = needed.filter((pair) => !merges.has(pair.join('')))
    if (merges.size + missing.length <= room) for (const pair of missing) merges.set(pair.join(''), pair)
  }
  return [...merges.values()]
}

function byCodePoint(a: string, b: string): number {
  return (a.codePointAt(0) as number) - (b.codePointAt(0) as number)
}
