/** From whole texts to what an encoder reads: the tokenizer's special tokens around them, cut at the longest text. */
import { TextError } from './errors.ts'
import { createPostProcessor, type EncodedText } from './post-processor.ts'
import { parseTokenizer, readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts'
import { createVocabulary } from './vocabulary.ts'

export interface SentenceTokenizer {
  /** Tokens that are added to a text. */
  readonly added: number
  /**
   * The tokens of a text, whose end is cut off where they are more than `most` (of which there are at most `maxTokens`,
   * and at least one more than are added); `length` tokens were there before. Special tokens that are written in it are
   * text like any other.
   */
  encode(text: string, most?: number): EncodedText & { readonly truncated: boolean; readonly length: number }
  /** The tokens of two texts as one, of which the longer is cut first. Throws TextError if the tokenizer cannot join them. */
  encodePair(first: string, second: string): EncodedText & { readonly truncated: boolean }
}

/** The tokenizer of a folder, or of the contents of its files. Throws TextError. */
export function openSentenceTokenizer(source: string | TokenizerFiles, maxTokens: number): SentenceTokenizer {
  const { tokenizer, config } = parseTokenizer(typeof source === 'string' ? readTokenizerFiles(source) : source)
  const vocabulary = createVocabulary(tokenizer, config)
  const processor = createPostProcessor(tokenizer['post_processor'])
  const { added } = processor
  if (added >= maxTokens)
    throw new TextError(`tokenizer: adds ${added} tokens to a text, of which the model reads at most ${maxTokens}`)
  return {
    added,
    encode(text, most = maxTokens) {
      const ids = vocabulary.encode(text)
      const room = Math.min(most, maxTokens) - added
      const length = ids.length + added
      return { ...processor.wrap(ids.slice(0, room)), truncated: ids.length > room, length }
    },
    encodePair(first, second) {
      const [a, b] = [vocabulary.encode(first), vocabulary.encode(second)]
      const room = maxTokens - processor.addedToPair
      if (room < 2)
        throw new TextError(
          `tokenizer: adds ${processor.addedToPair} tokens to a pair of texts, of which the model reads at most ${maxTokens}`,
        )
      const [keptA, keptB] = shares(a.length, b.length, room)
      return {
        ...processor.wrapPair(a.slice(0, keptA), b.slice(0, keptB)),
        truncated: keptA < a.length || keptB < b.length,
      }
    },
  }
}

/** How much of two lengths fits into `room`, where a token at a time is taken from the longer; from the second if equal. */
function shares(a: number, b: number, room: number): [number, number] {
  if (a + b <= room) return [a, b]
  const half = Math.floor(room / 2)
  if (b <= half) return [room - b, b]
  if (a <= room - half) return [a, room - a]
  return [room - half, half]
}
