/** What was told right after an answer may take its place: "the table is for four", and then "make that seven". */
import type { Topic } from '../memory/facts/fact.ts'
import { isOfItsOwn } from '../memory/facts/own-statement.ts'
import { NO_TOPIC } from '../memory/facts/follow-ups.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { takesItsPlace } from '../memory/recall/follows.ts'
import { heldPart } from '../memory/recall/held-part.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Answer, Recollection } from './recalled.ts'

/** How much of a topic two things share at least. */
const SAME_THING = 0.5

/** What its user told before and after a memory, nearest first. */
export interface Neighbours {
  /** The memory itself; null for what was only said in this conversation. */
  readonly own: Memory | null
  readonly before: readonly Memory[]
  readonly after: readonly Memory[]
}

/** What rules have read of the one and of the other is about two things. */
const isOfAnother = (one: Topic | null, other: Topic | null): boolean =>
  one !== null && other !== null && !NO_TOPIC.test(other.attribute) && sameTopic(one, other) < SAME_THING

/** The same with what holds now, without what that says of how it was before. `around` gives what was told next to a memory. */
export async function withLater(
  recollection: Recollection,
  around: (id: string) => Promise<Neighbours>,
): Promise<Recollection> {
  const { question, answers } = recollection
  const [last, ...others] = answers
  if (!last || others.length > 0) return recollection
  const { own, before, after } = await around(last.id)
  if (own === null) return recollection
  const corrected = before.filter(({ ended }) => ended === own.created).map(({ text }) => text)
  let answer: Answer = { ...last, text: heldPart(question, corrected, last.text) }
  const said = [last.text]
  const first = own.source?.response
  let [turn, found] = [first, first]
  for (const { id, text, ended, source, fact } of after) {
    const next = source?.response
    // A turn between an answer and what may take its place is about something else.
    if (next !== turn && found !== turn) break
    turn = next
    if (
      ended !== null ||
      turn === first ||
      isOfAnother(own.fact, fact) ||
      isOfItsOwn(text, '', said.join(' '), [...question.words.keys()].join(' ')) ||
      !takesItsPlace(question, said.at(-1)!, text, fact?.attribute ?? null)
    )
      continue
    answer = { ...answer, id, text: heldPart(question, said, text), fact: null }
    said.push(text)
    found = turn
  }
  return { ...recollection, answers: [answer] }
}
