/** What holds of an answer now: what was told around it may have taken its place. */
import type { Memory } from '../../store/memory-calls.ts'
import { MAX_SENTENCE } from '../facts/sentences.ts'
import type { Neighbours } from '../neighbours.ts'
import type { Similarity } from '../similarity.ts'
import type { Question } from './question.ts'
import { withNext } from './next-sentence.ts'
import { ReplacingTurns, turnsOf, type Followed } from './replacing-turns.ts'

export interface Surroundings {
  readonly around: (id: string) => Promise<Neighbours>
  readonly compare: (texts: readonly string[]) => Promise<Similarity>
}

/** `id` and `text`: of the answer. Null: it is no memory. */
export async function followAnswer(
  message: string,
  question: Question,
  { id, text }: { readonly id: string; readonly text: string },
  { around, compare }: Surroundings,
): Promise<Followed | null> {
  const { own, before, after } = await around(id)
  if (own === null) return null
  const isSentence = (one: Memory): boolean => one.text.length <= MAX_SENTENCE
  const turns = isSentence(own) ? turnsOf([...before.toReversed(), own, ...after].filter(isSentence)) : [[own]]
  if (turns.length === 1)
    return { holding: null, said: [text], shown: withNext(question, turns[0]!, own.text), also: null }
  const similar = await compare([message, ...turns.flat().map((one) => one.text)])
  return new ReplacingTurns(message, question, turns, own, similar).follow(text)
}
