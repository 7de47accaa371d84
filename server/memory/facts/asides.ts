/** What a message says without telling it: its questions and requests, which are no memories. */
import { MASK, plainOf } from './plain.ts'
import { sentencesOf } from './sentences.ts'
import { isQuestion, isRequest } from './speech-acts.ts'
import { toldBy } from './told-by.ts'

/** Characters of a message that are looked at. */
const MOST = 4000

/**
 * The questions and requests of a message, without any sentence that tells something. What was told is a memory, and whether it
 * still holds, was deleted or is wrong is known of the memory alone.
 */
export function asidesOf(message: string): string {
  const text = message.slice(0, MOST)
  const { facts, statements } = toldBy(text)
  const told = new Set([...facts.map(({ sentence }) => sentence), ...statements].map(({ start }) => start))
  const plain = plainOf(text)
  const isAside = (words: string): boolean => !words.includes(MASK) && (isQuestion(words) || isRequest(words))
  return sentencesOf(text)
    .filter(({ start, end }) => !told.has(start) && isAside(plain.slice(start, end)))
    .map((sentence) => sentence.text)
    .join(' ')
}
