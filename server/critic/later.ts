/** What was told after an answer may take its place: "table for four at Chez Louise", and then "make that seven". */
import { followAnswer, type Surroundings } from '../memory/recall/follow.ts'
import { heldPart } from '../memory/recall/held-part.ts'
import { SAME_THING, sameTopic } from '../memory/facts/topic.ts'
import { SURELY } from '../memory/recall/surely.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Answer } from './candidates.ts'
import type { Recollection } from './recalled.ts'

/** The same with what holds now, without what that says of how it was before. */
export async function withLater(
  message: string,
  recollection: Recollection,
  surroundings: Surroundings,
): Promise<Recollection> {
  const { question, answers } = recollection
  const [last, ...others] = answers
  if (!last || others.length > 0) return recollection
  const followed = await followAnswer(message, question, last, surroundings)
  if (followed === null) return recollection
  const { holding, said, shown, also } = followed
  // Just what is asked is not over for something else that rules have read: "the coworker's hobby is baking", and then a gift.
  if (last.sure === SURELY && last.fact && holding?.fact && sameTopic(last.fact, holding.fact) < SAME_THING)
    return recollection
  const text = holding ? heldPart(question, said, shown.join(' ')) : heldPart(question, [], wholeOf(last.text, shown))
  const held = holding ? inPlaceOf(last, holding, text) : { ...last, text }
  return { ...recollection, answers: also ? [held, { ...held, id: also.id, text: also.text, fact: null }] : [held] }
}

/** The answer, with the sentence after it where it needs that. */
const wholeOf = (text: string, shown: readonly string[]): string => (shown.length > 1 ? shown.join(' ') : text)

/** A value of so many words is one; longer ones may be half a sentence. */
const MOST_VALUE = 3

/** The answer stays where rules have read its value and what would be quoted lacks it: the critic cuts the sentence by the value then. */
function inPlaceOf(last: Answer, { id }: Memory, text: string): Answer {
  const { fact } = last
  const isRead = fact !== null && id === last.id && fact.value.split(/\s+/u).length <= MOST_VALUE
  return isRead && !text.includes(fact.value) ? last : { ...last, id, text, fact: null }
}
