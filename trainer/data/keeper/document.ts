/** A keeper chat of a given length: what is told when, what is asked when, and what fills the time between. */
import type { Random } from '../../random.ts'
import { attributes, type Attribute } from './attributes.ts'
import { askTurn, correctTurn, fillerTurn, greetingTurn, tellTurn, unknownTurn, type Fact, type Turn } from './chat.ts'
import type { TurnEncoder, WeightedTokens } from './encode.ts'
import { drawValue } from './values.ts'

/** What chats look like in one part of the training. */
export interface ChatPlan {
  /** Fewest and most facts of a chat. */
  readonly facts: readonly [number, number]
  /** Fewest and most tokens of small talk between telling and asking. */
  readonly gap: readonly [number, number]
  /** Share of the facts that are corrected between two rounds of questions. */
  readonly corrections?: number
  /** Share of the questions that ask for something never told. */
  readonly unknown?: number
  /** Share of the chats whose facts are of few kinds: several names, several towns, told of different people. */
  readonly alike?: number
}

/** What a fact costs to ask for, so that a gap leaves room for the questions after it. */
const tokensPerQuestion = 24
/** What a fact costs to tell and ask once; a chat takes no more facts than fit. */
const tokensPerFact = 48

/** A chat cut at exactly `length` tokens. */
export function keeperDocument(random: Random, plan: ChatPlan, length: number, encode: TurnEncoder): WeightedTokens {
  const document: WeightedTokens = { ids: [], weights: [] }
  for (const turn of chatTurns(random, plan, length, () => document.ids.length)) {
    encode(turn, document)
    if (document.ids.length >= length) break
  }
  document.ids.length = length
  document.weights.length = length
  return document
}

/** The endless turns of a chat; `position` says how many tokens there are so far. */
export function* chatTurns(random: Random, plan: ChatPlan, length: number, position: () => number): Generator<Turn> {
  const most = Math.max(1, Math.floor(length / tokensPerFact))
  const count = Math.min(most, logBetween(random, plan.facts[0], plan.facts[1]))
  const order = random.shuffle([...attributes])
  if (random.chance(plan.alike ?? 0)) fewKinds(random, order)
  const chat: Chat = { random, plan, length, position, told: [], untold: order.slice(count) }
  const wanted = order.slice(0, count)
  if (random.chance(0.2)) yield greetingTurn(random)
  if (random.chance(0.5)) yield* rounds(chat, wanted)
  else yield* interleaved(chat, wanted)
}

/** Brings the attributes of one to three kinds to the front: only the whole of what it is about tells them apart. */
function fewKinds(random: Random, order: Attribute[]): void {
  const kinds = new Set(order.slice(0, random.pick([1, 2, 2, 3])).map(({ kind }) => kind))
  order.sort((a, b) => Number(kinds.has(b.kind)) - Number(kinds.has(a.kind)))
}

interface Chat {
  readonly random: Random
  readonly plan: ChatPlan
  readonly length: number
  readonly position: () => number
  readonly told: Fact[]
  readonly untold: readonly Attribute[]
}

/** Tells everything, talks of other things, asks everything, corrects some, talks, asks again. */
function* rounds(chat: Chat, wanted: readonly Attribute[]): Generator<Turn> {
  const { random, told } = chat
  for (let i = 0; i < wanted.length;) {
    const group = wanted.slice(i, i + groupSize(random))
    yield tellAll(chat, group)
    i += group.length
    if (random.chance(0.1)) yield fillerTurn(random)
    if (random.chance(0.1)) yield askTurn(random, random.pick(told))
  }
  for (;;) {
    yield* smallTalk(chat, told.length * tokensPerQuestion)
    for (const fact of random.shuffle([...told])) {
      yield askTurn(random, fact)
      if (random.chance(unknownShare(chat))) yield unknown(chat)
      if (random.chance(0.08)) yield fillerTurn(random)
    }
    yield* correctSome(chat)
  }
}

/** Facts come one after another; each is asked a gap later, and again after further gaps. */
function* interleaved(chat: Chat, wanted: readonly Attribute[]): Generator<Turn> {
  const { random, told, position } = chat
  const due: number[] = []
  const share = chat.plan.corrections ?? 0.15
  let next = 0
  for (;;) {
    const now = position()
    const waiting = due.findIndex((at) => at <= now)
    if (next < wanted.length && (waiting === -1 || random.chance(0.4))) {
      const group = wanted.slice(next, next + groupSize(random))
      yield tellAll(chat, group)
      for (let i = 0; i < group.length; i++) due.push(position() + (random.chance(0.3) ? 0 : gapLeft(chat)))
      next += group.length
    } else if (waiting !== -1) {
      if (random.chance(share)) {
        yield correct(chat, waiting)
        if (random.chance(0.5)) due[waiting] = position() + gapLeft(chat)
      } else {
        yield askTurn(random, told[waiting] as Fact)
        due[waiting] = position() + gapLeft(chat)
      }
    } else if (random.chance(unknownShare(chat) / 2)) yield unknown(chat)
    else yield fillerTurn(random)
  }
}

function tellAll({ random, told }: Chat, group: readonly Attribute[]): Turn {
  const facts = group.map((attribute) => ({ attribute, value: drawValue(random, attribute.kind, 'train') }))
  told.push(...facts)
  return tellTurn(random, facts)
}

function correct({ random, told }: Chat, index: number): Turn {
  const { attribute } = told[index] as Fact
  const fact = { attribute, value: drawValue(random, attribute.kind, 'train') }
  told[index] = fact
  return correctTurn(random, fact)
}

function* correctSome(chat: Chat): Generator<Turn> {
  const share = chat.plan.corrections ?? 0.15
  for (let i = 0; i < chat.told.length; i++) if (chat.random.chance(share)) yield correct(chat, i)
}

/** Asks for something never told, half the time of a kind that was told. */
function unknown({ random, told, untold }: Chat): Turn {
  const near = random.chance(0.5) ? untold.filter((one) => told.some((fact) => fact.attribute.kind === one.kind)) : []
  return unknownTurn(random, random.pick(near.length > 0 ? near : untold))
}

/** Small talk for a gap, shortened where the questions would not fit any more. */
function* smallTalk(chat: Chat, room: number): Generator<Turn> {
  const start = chat.position()
  const until = start + Math.min(gap(chat), Math.max(0, chat.length - start - room))
  while (chat.position() < until) yield fillerTurn(chat.random)
}

function gap({ random, plan }: Chat): number {
  return logBetween(random, plan.gap[0], plan.gap[1])
}

/** A gap that mostly ends before the chat does: what is never asked teaches nothing. */
function gapLeft(chat: Chat): number {
  return Math.min(gap(chat), Math.floor(0.8 * Math.max(0, chat.length - chat.position())))
}

function unknownShare({ plan }: Chat): number {
  return plan.unknown ?? 0.1
}

function groupSize(random: Random): number {
  return random.pick([1, 1, 1, 1, 2, 2, 3])
}

/** An integer in [low, high], its logarithm spread evenly, so that small ones stay common. */
function logBetween(random: Random, low: number, high: number): number {
  const span = Math.log(high + 1) - Math.log(low + 1)
  return Math.min(high, Math.max(low, Math.round((low + 1) * Math.exp(random.uniform() * span) - 1)))
}
