/** What holds of an answer now: what was told around it may have taken its place. */
import { toldText } from '../../../runtime/reader.ts'
import type { Memory } from '../../store/memory-calls.ts'
import { MAX_SENTENCE } from '../facts/sentences.ts'
import type { Neighbours } from '../neighbours.ts'
import type { ReadPairs, TextPair } from '../reader.ts'
import type { Similarity } from '../similarity.ts'
import { wordsOf } from '../words.ts'
import type { Question } from './question.ts'
import { sentenceAfter, withNext } from './next-sentence.ts'
import { stillAnswers } from './still-answers.ts'
import { ReplacingTurns, turnsOf, type Followed } from './replacing-turns.ts'

/** Odds, as a logarithm, below which a sentence that has surely changed another one says nothing of what is asked. */
const ANSWERS_NOT = -2.5
/** From which on one has changed another, up to which it has not, and by how much another sentence answers more surely. */
const [CHANGED, CHANGED_NOT, SURER] = [-1, -3, 1]
/** So few words are a value: "4417*" says of nothing that it answers. */
const BARE = 2
/** Neighbours that are read, and other sentences of a turn. */
const MOST_READ = { before: 2, after: 5, turn: 3 } as const

export interface Surroundings {
  readonly around: (id: string) => Promise<Neighbours>
  readonly compare: (texts: readonly string[]) => Promise<Similarity>
  readonly read: ReadPairs
}

/** The answer as it was told, and what was told around it. */
interface Told {
  readonly text: string
  readonly own: Memory
  readonly before: readonly Memory[]
  readonly after: readonly Memory[]
  readonly turns: readonly (readonly Memory[])[]
}

/** `id` and `text`: of the answer. Null: it is no memory. */
export async function followAnswer(
  message: string,
  question: Question,
  { id, text }: { readonly id: string; readonly text: string },
  surroundings: Surroundings,
): Promise<Followed | null> {
  const { own, before, after } = await surroundings.around(id)
  if (own === null) return null
  const isSentence = (one: Memory): boolean => one.text.length <= MAX_SENTENCE
  const turns = isSentence(own) ? turnsOf([...before.toReversed(), own, ...after].filter(isSentence)) : [[own]]
  const followed = await followTurns(message, question, { text, own, before, after, turns }, surroundings)
  return withSurerNext(message, text, turns, followed, surroundings.read)
}

async function followTurns(
  message: string,
  question: Question,
  { text, own, before, after, turns }: Told,
  { compare, read }: Surroundings,
): Promise<Followed> {
  if (turns.length === 1)
    return { holding: null, said: [text], shown: withNext(question, turns[0]!, own.text), also: null }
  const similar = await compare([message, ...turns.flat().map((one) => one.text)])
  const replaced = await read(nearPairs(own, before, after, (text) => similar(own.text, text) ?? 0))
  const followed = new ReplacingTurns(message, question, turns, own, { similar, read: replaced }).follow(text)
  const { holding, said } = followed
  if (holding === null || holding.id === own.id) return followed
  const was = said.at(-1)!
  const turn = turns.find((one) => one.includes(holding))!
  const shown = await surestOf(message, was, turn, followed, read)
  // "They've put us on the 8:05" is no flight number: what was told before still answers that.
  if (wordsOf(shown.shown.join(' ')).length <= BARE) return shown
  const is = toldText(shown.shown.join(' '), was)
  const change = { first: was, second: holding.text }
  const answer = await read([change, ...[was, is].map((second) => ({ first: message, second }))])
  const oddsOf = (second: string): number => answer(message, second)?.answers ?? 0
  const both = { was: oddsOf(was), is: oddsOf(is) }
  const odds = answer(was, holding.text)?.replaces ?? 0
  const isNoChange = odds <= CHANGED_NOT && both.is <= both.was - SURER
  if (!isNoChange && !stillAnswers(both, odds > CHANGED ? ANSWERS_NOT : 0)) return shown
  const held = was === text ? null : (turns.flat().find((one) => one.text === was && one.id !== own.id) ?? null)
  return { holding: held, said: held ? said.slice(0, -1) : [text], shown: [held ? was : text], also: null }
}

/** The same with the sentence after it where a reader calls both the surer answer: "We have a name for the goat. Pemba it is." */
async function withSurerNext(
  message: string,
  text: string,
  turns: readonly (readonly Memory[])[],
  followed: Followed,
  read: ReadPairs,
): Promise<Followed> {
  const shown = followed.shown.length > 0 ? followed.shown : [text]
  const last = shown.at(-1)!
  const turn = turns.find((one) => one.some((memory) => memory.text === last && memory.ended === null)) ?? []
  const next = sentenceAfter(turn, last)
  if (next === undefined) return followed
  const [alone, both] = [shown.join(' '), [...shown, next].join(' ')]
  const of = await read([alone, both].map((second) => ({ first: message, second })))
  const [odds, oddsOfBoth] = [alone, both].map((second) => of(message, second)?.answers ?? 0)
  return oddsOfBoth! >= odds! + SURER ? { ...followed, shown: [...shown, next] } : followed
}

/** The sentence of a correcting turn that answers, where a reader calls another one surer: "been on three dates with a Rosalind", after "me and Claire called it off". */
async function surestOf(
  message: string,
  was: string,
  turn: readonly Memory[],
  followed: Followed,
  read: ReadPairs,
): Promise<Followed> {
  const others = turn.filter(({ text }) => !followed.shown.includes(text)).slice(0, MOST_READ.turn)
  if (others.length === 0) return followed
  const texts = [followed.shown.join(' '), ...others.map(({ text }) => text)].map((text) => toldText(text, was))
  const of = await read(texts.map((second) => ({ first: message, second })))
  const [sure, ...odds] = texts.map((second) => of(message, second)?.answers ?? 0)
  const most = Math.max(...odds)
  const best = others[odds.indexOf(most)]!
  return most >= sure! + SURER ? { ...followed, holding: best, shown: [best.text] } : followed
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
