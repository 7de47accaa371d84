/** What was told after an answer may take its place: "the table is for four", and then "make that seven". */
import { NO_TOPIC } from '../memory/facts/follow-ups.ts'
import { isOfItsOwn } from '../memory/facts/own-statement.ts'
import { nounWords } from '../memory/facts/noun-phrase.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { OWN_NOUNS, spelled } from '../memory/facts/vocabulary.ts'
import type { Question } from '../memory/recall/question.ts'
import { areAlike } from '../memory/recall/related-words.ts'
import { isCommon, stem } from '../memory/search-words.ts'
import { hasNewValue, heldPart } from '../memory/recall/held-part.ts'
import { holds } from '../memory/recall/holds.ts'
import { replaces } from '../memory/recall/replaces.ts'
import { wordsOf } from '../memory/words.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Answer, Recollection } from './recalled.ts'
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

/** How surely a sentence has to take the place of one that was told just before it, or with others between. */
const LEAST = { next: 0.5, later: 0.9, before: 0.7 } as const
/** From here on both are quoted. */
const MAYBE = 0.4
/** Of a turn that corrects, the sentences that are quoted. */
const SHOWN = 0.1

/** Of a turn that corrects, the sentence counts that has what is asked for, or that rules have read as the correction. */
const [OF_KIND, WITH_VALUE, OF_TOPIC] = [0.5, 0.5, 1]

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
    const earlier = turn
      .slice(
        0,
        turn.findIndex(({ text }) => text === next.text),
      )
      .map(({ text }) => text)
    return replaces(question, said, { text: next.text, before: earlier.join(' '), isNext, similarity })
  }
  const ownAt = turns.findIndex((turn) => turn.some((one) => turnOf(one) === turnOf(own)))
  const isCorrected = (memory: Memory, at: number): boolean =>
    memory.ended === own.created ||
    (!isOfElse(question, memory, own) &&
      !isOfElse(question, own, memory) &&
      surely(memory.text, turns[ownAt]!, own, at + 1 === ownAt) >= LEAST.before)
  const roots = turns
    .slice(0, ownAt)
    .flatMap((turn, at) => turn.filter((memory) => isCorrected(memory, at)).map((memory) => ({ memory, at })))
  const root = roots[0]
  const worth = ({ next, sure }: { next: Memory; sure: number }, said: readonly string[]): number => {
    const shown = heldPart(question, said, next.text)
    const before = said.join(' ')
    const known = new Set([...question.known, ...wordsOf(before)])
    const isOfKind = question.wanted !== null && holds(question.wanted, shown, known)
    const hasValue = hasNewValue(`- ${shown}`, before)
    return (
      sure +
      (isOfKind ? OF_KIND : 0) +
      (hasValue ? WITH_VALUE : 0) +
      (isOnTopic(
        roots.map(({ memory }) => memory),
        next,
      )
        ? OF_TOPIC
        : 0)
    )
  }
  const said = [root?.memory.text ?? last.text]
  const first = root?.memory ?? own
  let found = root?.at ?? ownAt
  let holding: Memory | null = null
  let also: Memory | null = null
  let shown: readonly string[] = []
  for (const [at, turn] of turns.entries()) {
    if (at <= found) continue
    const isNext = at === found + 1
    const scored = turn
      .filter(
        (next) => next.ended === null && ![first, own].some((one) => one !== next && isOfElse(question, one, next)),
      )
      .map((next) => ({ next, sure: Math.max(...said.map((one) => surely(one, turn, next, isNext))) }))
    const most = Math.max(0, ...scored.map(({ sure }) => sure))
    const best = scored.toSorted((a, b) => worth(b, said) - worth(a, said))[0]
    if (!best) continue
    if (at !== ownAt && most < (isNext ? LEAST.next : LEAST.later)) {
      if (isNext && most >= MAYBE) also = best.next
      continue
    }
    also = null
    if (holding) said.push(holding.text)
    holding = best.next
    const isShown = (text: string): boolean =>
      scored.some(({ next, sure }) => next.text === text && (next === best.next || sure >= SHOWN))
    shown = [...new Set(turn.map(({ text }) => text))].filter(isShown)
    found = at
  }
  const text = holding ? heldPart(question, said, shown.join(' ')) : heldPart(question, [], last.text)
  const held = holding
    ? isRead(last, holding, text)
      ? last
      : { ...last, id: holding.id, text, fact: null }
    : { ...last, text }
  return { ...recollection, answers: also ? [held, { ...held, id: also.id, text: also.text, fact: null }] : [held] }
}

/** A value of so many words is one; longer ones may be half a sentence. */
const MOST_VALUE = 3

/** Rules have read the value that holds, and what would be quoted lacks it: the critic cuts the sentence by the value then. */
function isRead({ id, fact }: Answer, holding: Memory, text: string): boolean {
  if (!fact || holding.id !== id) return false
  return fact.value.split(/\s+/u).length <= MOST_VALUE && !text.includes(fact.value)
}

/** Rules have read what both are about, and these are two things: a son's birthday, and then a cousin's name. */
function isOfElse({ words, known }: Question, { text, fact: before }: Memory, { text: next, fact }: Memory): boolean {
  if (!fact || NO_TOPIC.test(fact.attribute) || nounWords(fact.attribute).length > MOST_NOUNS) return false
  if (before && (topicKey(before) === topicKey(fact) || sameTopic(before, fact) >= SAME_THING)) return false
  const asked = [...words.keys()].flatMap((either) => either.split('|'))
  const said = [...wordsOf(text), ...asked, ...known].map((word) => stem(spelled(word)))
  const isNew = (word: string): boolean =>
    !isCommon(word) && !said.some((one) => one === stem(spelled(word)) || areAlike(one, stem(spelled(word))))
  const own = new Set(wordsOf(next).map(spelled))
  const isNamed = (topic: string): boolean => nounWords(topic).some((word) => own.has(word) && isNew(word))
  // What it corrects was known when it was told: "sorry, is 605-6123".
  const isMeant = before !== null && !nounWords(`${fact.attribute} ${fact.subject}`).some((word) => own.has(word))
  if (isMeant || (fact.subject !== 'user' && isNamed(fact.subject))) return true
  const nouns = nounWords(fact.attribute)
  const isClear = before !== null || nouns.length > 1 || nouns.some((word) => OWN_NOUNS.has(word))
  return isClear && isNamed(fact.attribute)
}

/** Longer names of topics are half a sentence. */
const MOST_NOUNS = 2
/** How much of a topic two facts on the same share. */
const SAME_THING = 0.5

/** Whether rules have read in the later one what took the place of the earlier. */
function isOnTopic(earlier: readonly Memory[], { fact, created }: Memory): boolean {
  return earlier.some((before) => {
    if (!fact || before.ended !== created) return false
    if (before.fact) return topicKey(before.fact) === topicKey(fact)
    const words = new Set(wordsOf(before.text))
    return wordsOf(fact.attribute).every((word) => words.has(word))
  })
}

const turnOf = ({ id, source }: Memory): string => source?.response ?? id

/** Memories by the turns that told them, in order. */
function turnsOf(memories: readonly Memory[]): Memory[][] {
  const turns = new Map<string, Memory[]>()
  for (const memory of memories) {
    const turn = turnOf(memory)
    turns.set(turn, [...(turns.get(turn) ?? []), memory])
  }
  return [...turns.values()]
}
