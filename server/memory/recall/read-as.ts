/** What a reader reads of a memory. */
import { toldText } from '../../../runtime/reader.ts'
import type { Memory } from '../../store/memory-calls.ts'
import type { Topic } from '../facts/fact.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'

/** Who that is, the sentence before says: "my sister Ann is back", and then "she's a nurse". */
const SOMEBODY = /\b(?:he|she|him|her|his|hers)\b/iu

/**
 * A sentence with what was told before it. Where only that names what it is about ("my gym time is 5", then "sorry, 6") and rules
 * have read it, what they read: a reader takes "6 (before: my gym time is 5)" for an age, and "my gym time is 6" for none.
 */
export function readAs({ text, fact }: Pick<Memory, 'text' | 'fact'>, before: string): string {
  if (before === '' || fact === null || SOMEBODY.test(text) || names(text, fact)) return toldText(text, before)
  return factSentence(fact)
}

/** "My violin teacher is Kenji", "my sister's job is nurse". */
export function factSentence({ subject, attribute, value }: NonNullable<Memory['fact']>): string {
  const isNamed = subject !== 'user' && attribute === 'name'
  return `my ${[...(subject === 'user' ? [] : [subject]), ...(isNamed ? [] : [attribute])].join("'s ")} is ${value}`
}

/** Whether a sentence has a word of its fact's topic. */
function names(text: string, { subject, attribute }: Topic): boolean {
  const words = new Set(wordsOf(text).map(stem))
  return wordsOf(`${subject} ${attribute}`).some((word) => !isCommon(word) && words.has(stem(word)))
}
