/** What was told after an answer may take its place: "table for four at Chez Louise", and then "make that seven". */
import { heldPart } from '../memory/recall/held-part.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Answer, Recollection } from './recalled.ts'
import { ReplacingTurns, turnsOf } from './replacing-turns.ts'
import type { Similarity } from './similarity.ts'

/** What its user told before and after a memory, nearest first. */
export interface Neighbours {
  /** The memory itself; null for what was only said in this conversation. */
  readonly own: Memory | null
  readonly before: readonly Memory[]
  readonly after: readonly Memory[]
}

export interface Surroundings {
  readonly around: (id: string) => Promise<Neighbours>
  readonly compare: (texts: readonly string[]) => Promise<Similarity>
}

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
  const { holding, said, shown, also } = new ReplacingTurns(message, question, turns, own, similar).follow(last.text)
  const text = holding ? heldPart(question, said, shown.join(' ')) : heldPart(question, [], last.text)
  const held = holding ? inPlaceOf(last, holding, text) : { ...last, text }
  return { ...recollection, answers: also ? [held, { ...held, id: also.id, text: also.text, fact: null }] : [held] }
}

/** A value of so many words is one; longer ones may be half a sentence. */
const MOST_VALUE = 3

/** The answer stays where rules have read its value and what would be quoted lacks it: the critic cuts the sentence by the value then. */
function inPlaceOf(last: Answer, { id }: Memory, text: string): Answer {
  const { fact } = last
  const isRead = fact !== null && id === last.id && fact.value.split(/\s+/u).length <= MOST_VALUE
  return isRead && !text.includes(fact.value) ? last : { ...last, id, text, fact: null }
}
