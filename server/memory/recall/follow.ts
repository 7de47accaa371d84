/** What holds of an answer now: what was told around it may have taken its place. */
import { toldText } from '../../../runtime/reader.ts'
import type { Memory } from '../../store/memory-calls.ts'
import { MAX_SENTENCE } from '../facts/sentences.ts'
import type { Neighbours } from '../neighbours.ts'
import type { ReadPairs, TextPair } from '../reader.ts'
import type { Similarity } from '../similarity.ts'
import type { Question } from './question.ts'
import { withNext } from './next-sentence.ts'
import { ReplacingTurns, turnsOf, type Followed } from './replacing-turns.ts'

/** Odds, as a logarithm, from which on a reader is sure that a sentence answers, or does not. */
const ANSWERS = 1
/** Neighbours that are read. */
const MOST_READ = { before: 2, after: 5 } as const

export interface Surroundings {
  readonly around: (id: string) => Promise<Neighbours>
  readonly compare: (texts: readonly string[]) => Promise<Similarity>
  readonly read: ReadPairs
}

/** `id` and `text`: of the answer. Null: it is no memory. */
export async function followAnswer(
  message: string,
  question: Question,
  { id, text }: { readonly id: string; readonly text: string },
  { around, compare, read }: Surroundings,
): Promise<Followed | null> {
  const { own, before, after } = await around(id)
  if (own === null) return null
  const isSentence = (one: Memory): boolean => one.text.length <= MAX_SENTENCE
  const turns = isSentence(own) ? turnsOf([...before.toReversed(), own, ...after].filter(isSentence)) : [[own]]
  if (turns.length === 1)
    return { holding: null, said: [text], shown: withNext(question, turns[0]!, own.text), also: null }
  const similar = await compare([message, ...turns.flat().map((one) => one.text)])
  const replaced = await read(nearPairs(own, before, after, (text) => similar(own.text, text) ?? 0))
  const followed = new ReplacingTurns(message, question, turns, own, { similar, read: replaced }).follow(text)
  const { holding, said, shown } = followed
  if (holding === null || holding.id === own.id) return followed
  // "They've put us on the 8:05" is no flight number: what was told before still answers that, but for what surely changes it.
  const [was, is] = [said.at(-1)!, toldText(shown.join(' '), said.at(-1)!)]
  if ((replaced(was, holding.text)?.replaces ?? 0) > -1) return followed
  const answer = await read([was, is].map((second) => ({ first: message, second })))
  const [answered, answers] = [was, is].map((second) => answer(message, second)?.answers ?? 0)
  const stillAnswers = answered! >= ANSWERS && answers! <= -ANSWERS
  return stillAnswers ? { holding: null, said: [text], shown: [text], also: null } : followed
}

/** What may have taken the place of `own`, and what `own` may have: of each the next one and those that are nearest to it. */
function nearPairs(
  own: Memory,
  before: readonly Memory[],
  after: readonly Memory[],
  nearness: (text: string) => number,
): TextPair[] {
  const near = (some: readonly Memory[], most: number): string[] => {
    const [first, ...others] = some.map(({ text }) => text).filter((text) => text.length <= MAX_SENTENCE)
    if (first === undefined) return []
    return [first, ...others.toSorted((a, b) => nearness(b) - nearness(a)).slice(0, most - 1)]
  }
  return [
    ...near(before, MOST_READ.before).map((first) => ({ first, second: own.text })),
    ...near(after, MOST_READ.after).map((second) => ({ first: own.text, second })),
  ]
}
