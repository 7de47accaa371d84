/** Episodes for probes: small talk that ends by telling one of a few values, and more small talk after it. */
import type { TextCodec } from '../../../runtime/text.ts'
import { attributes } from '../../data/keeper/attributes.ts'
import { fillerTurn, tellTurn, type Turn } from '../../data/keeper/chat.ts'
import { turnEncoder } from '../../data/keeper/encode.ts'
import { drawValue } from '../../data/keeper/values.ts'
import type { Random } from '../../random.ts'

/** Tokens that tell one of the values, and tokens that tell nothing. */
export interface Source {
  readonly kind: 'chat' | 'text' | 'tokens'
  readonly values: readonly string[]
  tell(random: Random, value: number): number[]
  filler(random: Random): number[]
}

/** Two histories of the same length that differ in their end only: `told` ends with the value. */
export interface Episode {
  readonly value: number
  readonly told: readonly number[]
  readonly untold: readonly number[]
}

/** Values among which one is told. */
const VALUES = 4

/** Chats for a model that knows the marks of turns, plain text for any other, random tokens where there is no text. */
export function sourceFor(codec: TextCodec, random: Random): Source {
  if (codec.encode('a tea').length === 0) return randomTokens(codec.vocabSize)
  const attribute = attributes.find(({ kind }) => kind === 'shade')!
  const values = new Set<string>()
  while (values.size < VALUES) values.add(drawValue(random, attribute.kind, 'heldout'))
  const chat = codec.encodeWithSpecial('<|user|>').length === 1
  const encode = chat ? chatEncoder(codec) : ({ user, reply }: Turn) => codec.encode(`${user}\n${reply}\n`)
  const list = [...values]
  return {
    kind: chat ? 'chat' : 'text',
    values: list,
    tell: (random, value) => encode(tellTurn(random, [{ attribute, value: list[value]! }])),
    filler: (random) => encode(fillerTurn(random)),
  }
}

/** `count` episodes whose histories have at least `least` tokens and a multiple of `unit`; values in turn, then shuffled. */
export function episodesOf(source: Source, random: Random, count: number, least: number, unit: number): Episode[] {
  const values = random.shuffle(Array.from({ length: count }, (_, i) => i % source.values.length))
  const facts = values.map((value) => source.tell(random, value))
  const needed = Math.max(least, ...facts.map((fact) => fact.length))
  const length = Math.ceil(needed / unit) * unit
  return values.map((value, i) => {
    const untold = fillerTokens(source, random, length)
    return { value, told: [...untold.slice(0, length - facts[i]!.length), ...facts[i]!], untold }
  })
}

/** So many tokens of small talk; the first exchange may be cut. */
export function fillerTokens(source: Source, random: Random, length: number): number[] {
  const ids: number[] = []
  while (ids.length < length) ids.push(...source.filler(random))
  return ids.slice(ids.length - length)
}

/** So many tokens of small talk in which now and then a value is told. */
export function mixedTokens(source: Source, random: Random, length: number): number[] {
  const ids: number[] = []
  while (ids.length < length)
    ids.push(...(random.chance(0.25) ? source.tell(random, random.int(source.values.length)) : source.filler(random)))
  return ids.slice(0, length)
}

function chatEncoder(codec: TextCodec): (turn: Turn) => number[] {
  const encode = turnEncoder(codec)
  return (turn) => {
    const out = { ids: [], weights: [] }
    encode(turn, out)
    return out.ids
  }
}

/** The value is a token of its own, four times; the rest of the vocabulary is filler. */
function randomTokens(vocab: number): Source {
  const values = Math.max(1, Math.min(VALUES, vocab - 1))
  return {
    kind: 'tokens',
    values: Array.from({ length: values }, (_, i) => String(i)),
    tell: (_, value) => Array.from({ length: 4 }, () => value),
    filler: (random) => [random.between(values, vocab - 1)],
  }
}
