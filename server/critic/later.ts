/** What was told after an answer may take its place: "the table is for four", and then "make that seven". */
import { heldPart } from '../memory/recall/held-part.ts'
import { replaces } from '../memory/recall/replaces.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Answer, Recollection } from './recalled.ts'

/** What its user told before and after a memory, nearest first. */
export interface Neighbours {
  /** The memory itself; null for what was only said in this conversation. */
  readonly own: Memory | null
  readonly before: readonly Memory[]
  readonly after: readonly Memory[]
}

/** How near two of the texts are, as a part of the least that is similar; null where nobody knows. */
export type Similarity = (one: string, other: string) => number | null

export interface Surroundings {
  readonly around: (id: string) => Promise<Neighbours>
  readonly compare: (texts: readonly string[]) => Promise<Similarity>
}

/** How surely a sentence has to take the place of one that was told just before it, or with others between. */
const LEAST = { next: 0.5, later: 0.9 } as const

/** The same with what holds now, without what that says of how it was before. */
export async function withLater(
  message: string,
  recollection: Recollection,
  { around, compare }: Surroundings,
): Promise<Recollection> {
  const { question, answers } = recollection
  const [last, ...others] = answers
  if (!last || others.length > 0) return recollection
  const { own, before, after } = await around(last.id)
  if (own === null) return recollection
  const turns = turnsOf([...before.toReversed(), own, ...after])
  if (turns.length === 1) return { ...recollection, answers: [{ ...last, text: heldPart(question, [], last.text) }] }
  const similar = await compare([message, ...turns.flat().map(({ text }) => text)])
  const surely = (said: string, turn: readonly Memory[], next: Memory, isNext: boolean): number => {
    const [toSaid, toAsked] = [similar(said, next.text), similar(message, next.text)]
    const similarity = toSaid === null || toAsked === null ? null : { said: toSaid, asked: toAsked }
    const earlier = turn.slice(0, turn.findIndex(({ text }) => text === next.text)).map(({ text }) => text)
    return replaces(question, said, { text: next.text, before: earlier.join(' '), isNext, similarity })
  }
  const ownAt = turns.findIndex((turn) => turn.some((one) => turnOf(one) === turnOf(own)))
  const isCorrected = (memory: Memory, at: number): boolean =>
    memory.ended === own.created || surely(memory.text, turns[ownAt]!, own, at + 1 === ownAt) >= LEAST.next
  const root = turns.slice(0, ownAt).flatMap((turn, at) => turn.filter((memory) => isCorrected(memory, at)).map((memory) => ({ memory, at })))[0]
  const said = [root?.memory.text ?? last.text]
  let found = root?.at ?? ownAt
  let holding: Memory | null = null
  for (const [at, turn] of turns.entries()) {
    if (at <= found) continue
    const isNext = at === found + 1
    const scored = turn
      .filter(({ ended }) => ended === null)
      .map((next) => ({ next, sure: Math.max(...said.map((one) => surely(one, turn, next, isNext))) }))
    const best = scored.toSorted((a, b) => b.sure - a.sure)[0]
    const isOwn = at === ownAt
    if (!best || (!isOwn && best.sure < (isNext ? LEAST.next : LEAST.later))) continue
    if (holding) said.push(holding.text)
    holding = best.next
    found = at
  }
  if (holding === null) return { ...recollection, answers: [{ ...last, text: heldPart(question, [], last.text) }] }
  return { ...recollection, answers: [answerBy(last, holding, heldPart(question, said, holding.text))] }
}

/** A fact on the topic stays one where nothing else took its place. */
function answerBy(last: Answer, { id, text }: Memory, shown: string): Answer {
  return { ...last, id, text: shown, fact: null }
}

const turnOf = ({ id, source }: Memory): string => source?.response ?? id

/** Memories by the turns that told them, in order; a sentence that tells several facts stands once. */
function turnsOf(memories: readonly Memory[]): Memory[][] {
  const turns = new Map<string, Memory[]>()
  for (const memory of memories) {
    const turn = turnOf(memory)
    const told = turns.get(turn) ?? []
    turns.set(turn, told.some(({ text }) => text === memory.text) ? told : [...told, memory])
  }
  return [...turns.values()]
}
