/** Which of a user's facts a message may correct or take back, found by index: their number does not matter. */
import type { Deps } from '../deps.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { Fact, Sentence, Topic } from './facts/fact.ts'
import { definiteFact } from './facts/definite.ts'
import { statedFact } from './facts/revisions.ts'
import { isWithin, otherWordsFor, topicKey } from './facts/supersede.ts'
import { isBeingWord } from './facts/vocabulary.ts'
import { answers, LEAST_SURE } from './recall/answers.ts'
import { likeness } from './recall/likeness.ts'
import { readQuestion } from './recall/question.ts'
import { alikeOf } from './recall/related-words.ts'
import { searchWords, stem } from './search-words.ts'
import { wordsOf } from './words.ts'

/** A fact with its memory. */
export type KnownFact = Fact & { readonly memory: Memory }

export interface Whose {
  readonly owner: string
  readonly namespace: string
  readonly user: string | null
}

/** Of what has words of a message, so much is read. */
const MAX_FOUND = 64
/** Of statements among that. */
const MAX_STATED = 8
/** Words of a message that may name a topic: longer ones are stories. */
const MAX_WORDS = 48

type Store = Pick<Deps['store'], 'factsOf' | 'searchMemories' | 'topicsOf'>

export function knownFact(memory: Memory): KnownFact {
  const fact = memory.fact as NonNullable<Memory['fact']>
  return { ...fact, kind: 'told', sentence: sentenceOf(memory), confidence: 1, memory }
}

/**
 * What a message may say anew: facts that share a word with it or whose topic it names (`held`), and statements that no rule has
 * read, as facts (`stated`). In the order in which they were told.
 */
export async function revisable(
  store: Store,
  whose: Whose,
  message: string,
): Promise<{ held: KnownFact[]; stated: KnownFact[] }> {
  const { owner, namespace, user } = whose
  const topics = namedTopics(message)
  const named = await store.factsOf(owner, { namespace, user, topics, ended: false, limit: MAX_FOUND })
  const found = await having(store, whose, message)
  const stated = found.filter(({ fact }) => fact === null).slice(0, MAX_STATED)
  const held = new Map(
    [...named.toReversed(), ...found.filter(({ fact }) => fact !== null)].map((one) => [one.id, one]),
  )
  return { held: inOrder([...held.values()]).map(knownFact), stated: inOrder(stated).flatMap(asStated) }
}

/** Topics of facts that hold and go with what a turn takes back: "I sold my car", and the plate of the car was told. */
export async function withdrawable(store: Store, whose: Whose, facts: readonly Fact[]): Promise<Topic[]> {
  const others = facts.filter(({ kind }) => kind === 'withdrawn').flatMap(otherWordsFor)
  const withdrawals = facts.filter(({ kind, value }) => kind === 'withdrawn' && value === '')
  if (withdrawals.length === 0) return others
  const { owner, namespace, user } = whose
  const topics = await store.topicsOf(owner, { namespace, user })
  const named = await Promise.all(withdrawals.map(({ attribute }) => having(store, whose, attribute)))
  // A topic's key has the class of its attribute, "license plate"; the fact still says whose plate it is.
  const told = named.flat().flatMap(({ fact }) => fact ?? [])
  const within = [...topics, ...told].filter((topic) => withdrawals.some((withdrawal) => isWithin(topic, withdrawal)))
  return [...others, ...within]
}

/** Statements of one of the topics, or of what goes with what is taken back, as facts: "the safe word is ziour". */
export async function statedOn(store: Store, whose: Whose, facts: readonly Fact[]): Promise<KnownFact[]> {
  if (facts.length === 0) return []
  const names = facts.flatMap(({ subject, attribute, kind }) => {
    const said = kind === 'withdrawn' ? searchWords(attribute).flatMap((word) => [...alikeOf(stem(word))]) : []
    return [subject === 'user' ? '' : subject, attribute, ...said]
  })
  const keys = new Set(facts.map(topicKey))
  const found = inOrder(await having(store, whose, names.join(' ')))
  return found.flatMap((memory) => {
    if (memory.fact !== null || !memory.source) return []
    const sentence = sentenceOf(memory)
    const gone = facts.find((one) => isForgotten(one, memory.text))
    if (gone) return [{ ...gone, kind: 'told', value: memory.text, sentence, memory }]
    const fact = definiteFact(sentence)
    const isMeant =
      fact && (keys.has(topicKey(fact)) || facts.some((one) => one.kind === 'withdrawn' && isWithin(fact, one)))
    return isMeant ? [{ ...fact, memory }] : []
  })
}

/** "Forget my wedding day" takes back what would be answered to "What is my wedding day?": "we marry on June 16". */
function isForgotten({ kind, value, subject, attribute, sentence }: Fact, text: string): boolean {
  if (kind !== 'withdrawn' || value !== '' || !FORGET.test(sentence.text) || OF_ANYTHING.test(attribute)) return false
  const what = /\b(?:day|date)$/u.test(attribute) ? 'When' : 'What'
  const asked = readQuestion(`${what} is my ${subject === 'user' ? '' : `${subject}'s `}${attribute}?`)
  const people = wordsOf(text.replaceAll(/['’]s\b/gu, '')).filter(isBeingWord)
  const whose = subject === 'user' ? [] : wordsOf(subject).filter(isBeingWord)
  // "Forget my father's hobby" takes back nothing of a best friend's.
  if (whose.some((word) => !people.includes(word)) || people.some((word) => !whose.includes(word))) return false
  const sure = asked === null ? 0 : answers(asked, { text, topic: null })
  if (sure < LEAST_SURE) return false
  // A safe word is no secret word: the words that say which one is to be forgotten are said, or others for them.
  const said = wordsOf(text).map((word) => [word, stem(word)] as const)
  const named = searchWords(attribute).filter((word) => !OF_KIND.test(word))
  const least = sure >= SURE ? named.slice(0, 1) : named
  return least.every((word) => said.some(([one, root]) => likeness(word, one, root) >= SAID))
}

/** From here on a sentence answers without more ado. */
const SURE = 0.7
/** Words that only say what kind of thing it is. */
const OF_KIND = /^(?:name|number|date|time|day|age|address|code|favorite|place|kind|type)$/u
/** How much of a word another one has to say. */
const SAID = 0.75

const FORGET =
  /\b(?:forget|delete|erase|remove|wipe|unlearn|(?:not|n't|dont|stop|no longer) (?:remember|keep|stor|sav)\p{L}*)\b/iu
/** Whose it is does not say enough: "my boss's name". */
const OF_ANYTHING = /^(?:name|number|date|time|day|age|address)$/u

/** Memories that hold and have words of a text. */
async function having(store: Store, { owner, namespace, user }: Whose, text: string): Promise<Memory[]> {
  const where = { namespace, user: user ?? '', topics: [], ended: false, metadata: {}, made: null }
  const hits = await store.searchMemories(owner, { ...where, text, limit: MAX_FOUND })
  return hits.map(({ memory }) => memory)
}

/** Words of a message, those that are said for them, and pairs of its words, each as what is told of the user. */
function namedTopics(message: string): Topic[] {
  const words = searchWords(message).slice(0, MAX_WORDS)
  const pairs = words.slice(1).map((word, at) => `${words[at]} ${word}`)
  const attributes = new Set([...words, ...pairs, ...words.flatMap((word) => [...alikeOf(stem(word))])])
  return [...attributes].map((attribute) => ({ subject: 'user', attribute }))
}

function asStated(memory: Memory): KnownFact[] {
  const fact = memory.source ? statedFact(sentenceOf(memory)) : undefined
  return fact ? [{ ...fact, memory }] : []
}

function sentenceOf({ text, source }: Memory): Sentence {
  return { text, start: source?.start ?? 0, end: source?.end ?? text.length }
}

const inOrder = (memories: readonly Memory[]): Memory[] => memories.toSorted((a, b) => a.created - b.created)
