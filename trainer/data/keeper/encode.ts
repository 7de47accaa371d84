/** From turns to token ids and loss weights, exactly as the server will tokenize them, only faster. */
import type { TextCodec } from '../../../runtime/text.ts'
import type { Turn } from './chat.ts'

/** How much each part of a chat weighs in the loss. */
export interface LossWeights {
  /** What the assistant says, its <|end|> included. */
  readonly reply: number
  /** The tokens of a value that has to be recalled. */
  readonly recalled: number
  /** What the user says, and the marks of the turns. */
  readonly user: number
}

/** The weights of the keeper recipe. */
export const defaultWeights: LossWeights = { reply: 1, recalled: 3, user: 0.1 }

/** A growing text: token ids, and for each the weight of predicting it. */
export interface WeightedTokens {
  readonly ids: number[]
  readonly weights: number[]
}

/** Appends a turn to a growing text. */
export type TurnEncoder = (turn: Turn, out: WeightedTokens) => void

/** More distinct words than this and the cache starts again: invented names would fill any memory. */
const cacheLimit = 50_000

/**
 * An encoder that remembers the ids of words.
 * It cuts a text before every single space and around a recalled value. With a byte-level, character or byte tokenizer
 * no token reaches over such a cut, so the ids are those of `codec.encode(content)`; a test holds this.
 */
export function turnEncoder(codec: TextCodec, weights: LossWeights = defaultWeights): TurnEncoder {
  const encode = cachedWords(codec)
  const user = specialId(codec, '<|user|>')
  const assistant = specialId(codec, '<|assistant|>')
  const end = specialId(codec, '<|end|>')
  const words = (text: string, weight: number, out: WeightedTokens): void =>
    eachWord(text, (word) => push(encode(word), weight, out))

  return (turn, out) => {
    push([user], weights.user, out)
    words(turn.user, weights.user, out)
    push([end, assistant], weights.user, out)
    const [before, value, after] = aroundValue(turn)
    words(before, weights.reply, out)
    words(value, weights.recalled, out)
    words(after, weights.reply, out)
    push([end], weights.reply, out)
  }
}

/** The reply before its recalled value, the value with the space before it, and the rest. */
function aroundValue({ reply, recalled }: Turn): readonly [string, string, string] {
  if (recalled === undefined) return [reply, '', '']
  const start = reply.lastIndexOf(` ${recalled}`)
  if (start === -1) throw new RangeError(`keeper: the reply "${reply}" does not hold the value "${recalled}"`)
  const stop = start + 1 + recalled.length
  return [reply.slice(0, start), reply.slice(start, stop), reply.slice(stop)]
}

function cachedWords(codec: TextCodec): (word: string) => readonly number[] {
  const cache = new Map<string, readonly number[]>()
  return (word) => {
    const known = cache.get(word)
    if (known !== undefined) return known
    if (cache.size >= cacheLimit) cache.clear()
    const ids = codec.encode(word)
    cache.set(word, ids)
    return ids
  }
}

/** Every piece that begins at the start or at a space. */
function eachWord(text: string, use: (word: string) => void): void {
  for (let start = 0; start < text.length;) {
    const space = text.indexOf(' ', start + 1)
    const stop = space === -1 ? text.length : space
    use(text.slice(start, stop))
    start = stop
  }
}

function push(ids: readonly number[], weight: number, out: WeightedTokens): void {
  for (const id of ids) {
    out.ids.push(id)
    out.weights.push(weight)
  }
}

function specialId(codec: TextCodec, token: string): number {
  const ids = codec.encodeWithSpecial(token)
  if (ids.length !== 1) throw new RangeError(`keeper: the tokenizer has no special token ${token}`)
  return ids[0] as number
}
