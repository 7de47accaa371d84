/** A question beside a sentence of its user, in numbers: what says that the one answers the other (answers.ts weighs them). */
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { holds } from './holds.ts'
import { isSomebody } from './likeness.ts'
import { isSame, matchesOf, meaningOfWords, nearness, shareOf, type Match } from './matches.ts'
import { hasValue, isCounted, isNamed, isSpecified } from './nouns.ts'
import type { Context } from './leaning.ts'
import type { Question } from './question.ts'
import { isKnownWord, rarityOf } from './word-vectors.ts'

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
  'missing',
  'verbMissing',
  'similarity',
  'whichMissing',
  'read',
] as const
export type Feature = (typeof FEATURES)[number]
export type PairFeatures = Readonly<Record<Feature, number>>

/** A sentence of the user. */
export interface Said {
  readonly text: string
  /** How surely what rules read in it is what is asked; null: they read nothing. */
  readonly topic: number | null
  /** Cosine of question and sentence, of the embedder; null where it was not compared. */
  readonly similarity?: number | null
  /** What it leans on; null: nothing. */
  readonly context?: Context | null
  /** The logarithm of the odds that it answers, by a reader; null where it was not read. */
  readonly read?: number | null
}

/** How near a fact on another topic and its noun are at most, so that it is loosely on the topic. */
const LOOSE = 0.3

export function pairFeatures(question: Question, { text, topic, similarity, context, read }: Said): PairFeatures {
  const words = [...new Set(wordsOf(text))]
  const content = words.filter((word) => !isCommon(word))
  const matches = matchesOf(question, words, context)
  const asked = new Set(matches.flatMap(({ options }) => options.map(stem)))
  const fresh = content.filter((word) => !asked.has(stem(word)))
  const wanted = question.wanted
  const isHeld = holdsWanted(question, text, matches)
  const exact = shareOf(matches, (match) => match.exact)
  const noun = nounFeatures(question, matches, fresh)
  const which = matches.find(({ options }) => question.which !== null && options.includes(question.which))
  const isNoneNamed = which !== undefined && noun.ofKind < LOOSE && !hasValue(text, question.known)
  const beings = matches.filter(({ options }) => options.some(isSomebody))
  const lacksBeing = matches.some(({ options, exact }) => exact === 0 && options.some(isSomebody))
  const hasOther = content.some((word) => isSomebody(word) && !question.known.has(word))
  // "I like jazz" is on the topic of a favourite food only if jazz is one.
  const isLoose = topic !== null && topic < 0.75 && noun.hasFocus && noun.ofKind < LOOSE && noun.focusExact < 0.5
  const flags = {
    hasFocus: noun.hasFocus,
    holds: wanted !== null && isHeld,
    lacks: wanted !== null && !isHeld,
    holdsDefinite: wanted !== null && isHeld && DEFINITE.has(wanted),
    lacksBeing: lacksBeing && !hasOther && beings.length < 2,
    // Of "uncle Raj's wife" a sentence about the uncle says nothing.
    otherBeing: lacksBeing && (hasOther || beings.length > 1),
    apart: matches.some(({ isApart }) => isApart),
    missingName: matches.some(({ options, like }) => like < 0.5 && options.every((word) => isName(word, question))),
    numberAsked: /\d/u.test(text) && question.focus.some((word) => NUMBERED.test(word)),
    specified: question.focus.some((word) => isSpecified(word, words)),
    namesIt: wanted === 'name' && isNamedIn(matches, text),
    counted: wanted === 'count' && question.focus.some((word) => isCounted(word, words)),
    ofSelf: isHeld && wanted !== null && SHORT.has(wanted) && OF_SELF.test(text) && words.length <= 10,
    whichMissing: isNoneNamed && which.exact < 0.9,
    otherTopic: isLoose || (topic !== null && topic < 0.3),
    focusMissing: noun.hasFocus && wanted === null && noun.focusExact < 0.3 && noun.ofKind < LOOSE,
  }
  const verb = matches.find(({ options }) => question.verb !== null && options.includes(question.verb))
  return {
    ...(Object.fromEntries(Object.entries(flags).map(([name, is]) => [name, is ? 1 : 0])) as Record<
      keyof typeof flags,
      number
    >),
    one: 1,
    coverage: shareOf(matches, ({ like }) => like),
    exact,
    least: Math.min(1, ...matches.filter(({ weight }) => weight > 0.4).map(({ like }) => like)),
    focus: noun.focus,
    focusExact: noun.focusExact,
    meaning: meaningOfWords(
      matches.flatMap(({ options }) => options),
      content,
    ),
    fresh: Math.max(Math.min(1, fresh.length / 4), fresh.length > 0 && wanted !== null && isHeld ? OF_KIND : 0),
    freshShare: content.length === 0 ? 0 : fresh.length / content.length,
    holdsOfKind: noun.ofKind,
    topic: isLoose ? 0 : (topic ?? 0),
    missing: Math.max(0, ...matches.map(({ weight, like }) => weight * (1 - like))),
    verbMissing: verb ? verb.weight * (1 - verb.like) : 0,
    similarity: similarity ?? 0,
    read: readFeature(read),
  }
}

/** Beyond these odds a reader is not surer, only farther from what it has learned. */
const MOST_READ = 6

/** The odds of a reader as a feature: none where it was not read. */
export const readFeature = (read: number | null | undefined): number =>
  Math.max(-MOST_READ, Math.min(MOST_READ, read ?? 0)) / 2

/** What one word counts that is of the kind that is asked for, as two of any: "seven" of "the choir meets at seven". */
const OF_KIND = 0.5

/** Kinds of which a sentence seldom has something by chance. */
const DEFINITE: ReadonlySet<string> = new Set(
  'age money dose duration frequency height weight phone email password code clock'.split(' '),
)
const SHORT: ReadonlySet<string> = new Set('age money height weight'.split(' '))
const NUMBERED = /^(?:number|code|pin|size|combination|combo|dose|price|cost|budget|salary|rent)$/u
const OF_SELF = /^\W*(?:i'?m|i am|i)\b/iu

/** How much of the noun that is asked for a sentence has: the noun itself, or one of its kind among the words that the question has not. */
function nounFeatures({ focus }: Question, matches: readonly Match[], fresh: readonly string[]) {
  const ofFocus = matches.filter(({ options }) => options.some((word) => focus.includes(word)))
  const last = focus.at(-1)
  return {
    hasFocus: ofFocus.length > 0,
    focus: shareOf(ofFocus, ({ like }) => like),
    focusExact: shareOf(ofFocus, ({ options, exact, said }) =>
      said.some((one) => options.some((word) => isSame(word, one))) ? exact : 0,
    ),
    ofKind: last === undefined || ofFocus.length === 0 ? 0 : Math.max(0, ...fresh.map((word) => nearness(last, word))),
  }
}

/** Whether a sentence has something of the kind that is asked for; a name, of just what is asked about. */
function holdsWanted({ wanted, known }: Question, text: string, matches: readonly Match[]): boolean {
  if (!holds(wanted, text, known)) return false
  return wanted !== 'name' || thingsIn(matches).length === 0 || isNamedIn(matches, text)
}

const isNamedIn = (matches: readonly Match[], text: string): boolean =>
  thingsIn(matches).some((word) => isNamed(word, text))

const OF_NAMING = /^(?:names?|named|call(?:s|ed|ing)?|nicknames?|real|full|first|last)$/u

/** What a name may be asked of: words of the question that the sentence has. */
function thingsIn(matches: readonly Match[]): string[] {
  return matches.flatMap(({ said }) => said.filter((word) => !OF_NAMING.test(word) && rarityOf(word) > 0.4))
}

function isName(word: string, { names }: Question): boolean {
  return names.has(word) || (!isKnownWord(word) && /^\p{L}{3,}$/u.test(word))
}
