/** A question beside a sentence of its user, in numbers: what says that the one answers the other (weights.ts weighs them). */
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { isSomebody, likeness } from './likeness.ts'
import type { Question } from './question.ts'
import { exclude } from './related-words.ts'
import { holds } from './holds.ts'
import { isKnownWord, meaningOf, rarityOf } from './word-vectors.ts'

export const FEATURES = [
  'one',
  'coverage',
  'exact',
  'least',
  'hasFocus',
  'focus',
  'focusExact',
  'meaning',
  'holds',
  'lacks',
  'holdsDefinite',
  'fresh',
  'freshShare',
  'lacksBeing',
  'otherBeing',
  'apart',
  'missingName',
  'numberAsked',
  'holdsOfKind',
  'specified',
  'namesIt',
  'counted',
  'ofSelf',
  'topic',
  'otherTopic',
  'focusMissing',
] as const
export type Feature = (typeof FEATURES)[number]
export type PairFeatures = Readonly<Record<Feature, number>>

/** Similarity of meaning below which two words have nothing to do with each other, and from which on they say the same. */
const [UNLIKE, LIKE] = [0.25, 0.75]
/** From which similarity on a noun stands for another. */
const SAME_NOUN = 0.45

/** The features of a sentence as an answer. `topic`: how surely what rules read in it is what is asked (null: they read nothing). */
export function pairFeatures(question: Question, text: string, topic: number | null): PairFeatures {
  const words = [...new Set(wordsOf(text))]
  const content = words.filter((word) => !isCommon(word))
  const stems = words.map(stem)
  const matches = [...question.words.keys()].map((either) => {
    const options = either.split('|')
    const weight = Math.max(0.05, rarityOf(options[0]!) ** 2) * (question.words.get(either)! < 0.5 ? 0.5 : 1)
    const exact = best(options, (word) => words.map((said, at) => likeness(word, said, stems[at]!)))
    const near = best(options, (word) => (isBeingWord(word) ? [] : content.map((said) => nearness(word, said))))
    const isApart = exact < 0.7 && options.some((word) => stems.some((said) => exclude(stem(word), said)))
    const said = words.filter((one, at) => options.some((word) => likeness(word, one, stems[at]!) >= 0.75))
    return { either, options, said, weight, exact, like: isApart ? 0 : Math.max(exact, near), isApart }
  })
  const total = matches.reduce((sum, { weight }) => sum + weight, 0) || 1
  const share = (of: (one: (typeof matches)[number]) => number): number =>
    matches.reduce((sum, one) => sum + one.weight * of(one), 0) / total
  const focus = matches.filter(({ options }) => options.some((word) => question.focus.includes(word)))
  const ofFocus = (of: (one: (typeof matches)[number]) => number): number => {
    const all = focus.reduce((sum, { weight }) => sum + weight, 0)
    return all === 0 ? 0 : focus.reduce((sum, one) => sum + one.weight * of(one), 0) / all
  }
  const asked = new Set([...question.words.keys()].flatMap((one) => one.split('|')).map(stem))
  const fresh = content.filter((word) => !asked.has(stem(word)))
  const lacksBeing = matches.some(({ options, exact }) => exact === 0 && options.some(isSomebody))
  const hasOther = content.some((word) => isSomebody(word) && !question.known.has(word))
  const hasKind = question.wanted !== null
  const focusExact = ofFocus(({ options, exact, said }) =>
    said.some((one) => options.some((word) => isSame(word, one))) ? exact : 0,
  )
  const ofKind = focus.length > 0 ? Math.max(0, ...fresh.map((word) => nearness(question.focus.at(-1)!, word))) : 0
  // "I like jazz" is on the topic of a favourite food only if jazz is one.
  const isLoose = topic !== null && topic < 0.75 && focus.length > 0 && ofKind < 0.3 && focusExact < 0.5
  const things = matches.flatMap(({ said }) => said.filter((word) => !OF_NAMING.test(word) && rarityOf(word) > 0.4))
  const isNamedHere = question.wanted === 'name' && things.some((word) => isNamed(word, text))
  const isHeld =
    holds(question.wanted, text, question.known) && !(question.wanted === 'name' && things.length > 0 && !isNamedHere)
  return {
    one: 1,
    coverage: share(({ like }) => like),
    exact: share(({ exact }) => exact),
    least: Math.min(1, ...matches.filter(({ weight }) => weight > 0.4).map(({ like }) => like)),
    hasFocus: focus.length > 0 ? 1 : 0,
    focus: ofFocus(({ like }) => like),
    focusExact,
    meaning: meaningOfTexts(
      [...question.words.keys()].flatMap((one) => one.split('|')),
      content,
    ),
    holds: hasKind && isHeld ? 1 : 0,
    lacks: hasKind && !isHeld ? 1 : 0,
    holdsDefinite: question.wanted !== null && isHeld && DEFINITE.has(question.wanted) ? 1 : 0,
    fresh: Math.min(1, fresh.length / 4),
    freshShare: content.length === 0 ? 0 : fresh.length / content.length,
    lacksBeing: lacksBeing && !hasOther ? 1 : 0,
    otherBeing: lacksBeing && hasOther ? 1 : 0,
    apart: matches.some(({ isApart }) => isApart) ? 1 : 0,
    missingName: matches.some(({ options, like }) => like < 0.5 && options.every((word) => isName(word, question)))
      ? 1
      : 0,
    holdsOfKind: ofKind,
    specified: question.focus.some((word) => isSpecified(word, words)) ? 1 : 0,
    namesIt: isNamedHere ? 1 : 0,
    counted: question.wanted === 'count' && question.focus.some((word) => isCounted(word, words)) ? 1 : 0,
    ofSelf:
      isHeld &&
      question.wanted !== null &&
      SHORT.has(question.wanted) &&
      /^\W*(?:i'?m|i am|i)\b/iu.test(text) &&
      words.length <= 10
        ? 1
        : 0,
    topic: isLoose ? 0 : (topic ?? 0),
    otherTopic: isLoose || (topic !== null && topic < 0.3) ? 1 : 0,
    focusMissing: focus.length > 0 && question.wanted === null && focusExact < 0.3 && ofKind < 0.3 ? 1 : 0,
    numberAsked: /\d/u.test(text) && question.focus.some((word) => NUMBERED.test(word)) ? 1 : 0,
  }
}

/** Kinds of which a sentence seldom has something by chance. */
const DEFINITE: ReadonlySet<string> = new Set(
  'age money dose duration frequency height weight phone email password code clock'.split(' '),
)
const SHORT: ReadonlySet<string> = new Set('age money height weight'.split(' '))
const NUMBERED = /^(?:number|code|pin|size|combination|combo|dose|price|cost|budget|salary|rent)$/u

/** "The hotel is the Bristol", "bus 41": beside the noun, or after its verb, stands a word that is none of every day. */
function isSpecified(noun: string, words: readonly string[]): boolean {
  const at = words.findIndex((word) => stem(word) === stem(noun))
  if (at < 0) return false
  const [next = '', second = ''] = words.slice(at + 1)
  const tells = (word: string): boolean => word !== '' && (!isKnownWord(word) || !/^\p{L}+$/u.test(word))
  return (
    tells(next) ||
    (/^(?:is|was|called|named|number|code|at|now)$/u.test(next) && second !== '') ||
    tells(words[at - 1] ?? '')
  )
}

const OF_NAMING = /^(?:names?|named|call(?:s|ed|ing)?|nicknames?|real|full|first|last)$/u

/** "My dog Rex", "the dog is called Rex", "Rex, my dog". */
function isNamed(noun: string, text: string): boolean {
  const word = `[${noun[0]!.toUpperCase()}${noun[0]}]${escaped(noun.slice(1))}`
  return [
    `${word}(?:'s)?(?: in law)?,? (?:to |with )?(?:is |was |are )?(?:called |named |name is |name's |names are )?(?:(?:[Dd]r|[Mm]rs?|[Mm]s)\\.? )?\\p{Lu}`,
    `${word}\\P{L}.{0,40}\\b(?:called|named?|names)\\b`,
    `\\b(?:called|named?|call) (?:the|my|our) ${word}`,
    `${word}(?:'s)? (?:is|are|was) (?!(?:an?|the|in|at|on|not|my|very|so|from|just|always|\\p{L}+ing)\\b)\\p{L}+`,
    `\\p{Lu}\\p{L}+,? (?:is )?(?:my|our|the) (?:\\p{L}+ )?${word}`,
  ].some((form) => new RegExp(`(?<!\\p{L})(?:${form})`, 'u').test(text))
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/gu, '\\$&')

/** "Three older brothers": a number before the noun. */
function isCounted(noun: string, words: readonly string[]): boolean {
  const at = words.findIndex((word) => likeness(noun, word, stem(word)) >= 0.9)
  return at > 0 && words.slice(Math.max(0, at - 3), at).some((word) => NUMBER.test(word))
}

const NUMBER = /^(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|no|single|only)$/u

function isName(word: string, { names }: Question): boolean {
  return names.has(word) || (!isKnownWord(word) && /^\p{L}{3,}$/u.test(word))
}

function best(options: readonly string[], of: (word: string) => readonly number[]): number {
  return Math.max(0, ...options.flatMap(of))
}

function nearness(one: string, other: string): number {
  return Math.max(0, Math.min(1, (meaningOf(one, other) - UNLIKE) / (LIKE - UNLIKE))) * 0.9
}

/** Words of which one is said for the other mean the same only where they are near: who studies need not name a university. */
function isSame(one: string, other: string): boolean {
  const isFar = isKnownWord(one) && isKnownWord(other) && meaningOf(one, other) < SAME_NOUN
  return stem(one) === stem(other) || !isFar
}

/** Of the words of the one, how near the nearest of the other are, and the other way round. */
function meaningOfTexts(one: readonly string[], other: readonly string[]): number {
  const side = (a: readonly string[], b: readonly string[]): number =>
    a.length === 0
      ? 0
      : a.reduce((sum, word) => sum + Math.max(0, ...b.map((said) => meaningOf(word, said))), 0) / a.length
  return side(other, one)
}
