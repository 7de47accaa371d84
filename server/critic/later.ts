/** What was told right after an answer may take its place: "the table is for four", and then "make that seven". */
import { takesItsPlace } from '../memory/recall/follows.ts'
import { heldPart } from '../memory/recall/held-part.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Answer, Recollection } from './recalled.ts'

/** What its user told before and after a memory, nearest first. */
export interface Neighbours {
  /** The response in which the memory itself was told. */
  readonly own: string | undefined
  readonly before: readonly Memory[]
  readonly after: readonly Memory[]
}

/** The same with what holds now, without what that says of how it was before. `around` gives what was told next to a memory. */
export async function withLater(
  recollection: Recollection,
  around: (id: string) => Promise<Neighbours>,
): Promise<Recollection> {
  const { question, answers } = recollection
  const [last, ...others] = answers
  if (!last || others.length > 0) return recollection
  const { own, before, after } = await around(last.id)
  const corrected = before.filter(({ ended }) => ended !== null).map(({ text }) => text)
  let answer: Answer = { ...last, text: heldPart(question, corrected, last.text) }
  const said = [last.text]
  let turn = own
  let found = own
  for (const { id, text, ended, source } of after) {
    const next = source?.response
    // A turn between an answer and what may take its place is about something else.
    if (next !== turn && found !== turn) break
    turn = next
    if (ended !== null || turn === own || !takesItsPlace(question, said.at(-1)!, text)) continue
    answer = { ...answer, id, text: heldPart(question, said, text), fact: null }
    said.push(text)
    found = turn
  }
  return { ...recollection, answers: [answer] }
}
