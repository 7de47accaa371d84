/** How surely what a user told answers a question of theirs: by its words, and by what rules have read in both. */
import { definiteFact } from '../facts/definite.ts'
import type { Topic } from '../facts/fact.ts'
import { SAME_THING, sameBeing, sameTopic } from '../facts/topic.ts'
import { isBeing } from '../facts/vocabulary.ts'
import { stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { answers } from './answers.ts'
import { onlyMentions } from './mentions.ts'
import type { Context } from './leaning.ts'
import type { Question } from './question.ts'
import { areAlike } from './related-words.ts'

/** How surely a fact on another topic answers at most. */
const MOST_OF_OTHERS = 0.65
/** A fact about just what is asked answers in any words, and surely. */
export const [JUST_THAT, SURELY] = [0.95, 1]

/** Something that a user told. */
export interface Told {
  /** The sentence, with the topic of its fact where there is one. */
  readonly text: string
  /** What rules have read in it, and the sentence alone. */
  readonly fact: (Topic & { readonly text: string }) | null
  /** Cosine of question and sentence; null where they were not compared. */
  readonly similarity: number | null
  /** What it leans on; null: nothing. */
  readonly context?: Context | null
  /** The logarithm of the odds that it answers, by a reader; null where it was not read. */
  readonly read?: number | null
}

/** Of a longer text so much is weighed: sentences that are told are shorter, and what a tenant adds may be a page. */
const WEIGHED = 600

/** 0 to 1. `asked`: what rules have read in the question. */
export function surelyAnswers(
  question: Question,
  asked: readonly Topic[],
  { text: whole, fact, similarity, context = null, read = null }: Told,
): number {
  const text = whole.slice(0, WEIGHED)
  // "The bike color is turquoise" says what it is about, though not whose it is.
  const about = fact ?? definiteFact({ text, start: 0, end: text.length })
  const topic = !about || asked.length === 0 ? null : topicAmong(asked, about)
  if ((topic ?? 0) >= JUST_THAT) return SURELY
  const isOfAsker = OF_ASKER.some((word) => question.known.has(word))
  const mayBeOf = !isOfAsker && ((read !== null && read > 0) || namesOneIn(question, text))
  if (fact && !mayBeOf && isOfAnother(question, fact.subject) && !onlyNames(fact)) return 0
  const sure = answers(question, { text, topic, similarity, context, read })
  if ((topic ?? 0) < SAME_THING && onlyMentions(question, fact?.text.slice(0, WEIGHED) ?? text))
    return Math.min(sure, MOST_OF_OTHERS)
  // Rules have read what is asked and what is told, and these are two things: "the alarm code", "the luggage code".
  return topic !== null && topic < SAME_THING ? Math.min(sure, MOST_OF_OTHERS) : sure
}

/** "I'm saving to go to Zanzibar with my friend Akinyi" tells of the user, and names somebody beside. */
const onlyNames = ({ attribute, text }: Topic & { readonly text: string }): boolean =>
  attribute === 'name' && OF_USER.test(text)

const OF_USER = /^\W*(?:(?:and|so|well|oh|ok|btw),? )*(?:i|i['’]?m|i['’]?ve|i['’]?d|we|we['’]?re|we['’]?ve)\s/iu

/** A sentence with the topic that rules have read in it. */
export function withTopic(text: string, fact: Topic | null): string {
  return fact ? `${text} (${fact.subject === 'user' ? '' : fact.subject} ${fact.attribute})` : text
}

/** How much of its topic a fact shares with what is asked, 0 to 1. */
export const topicAmong = (asked: readonly Topic[], fact: Topic): number =>
  Math.max(0, ...asked.map((one) => sameTopic(one, fact)))

/** "Which room is Xiaoyu in?": the question names the one whom the sentence names too. */
const namesOneIn = ({ names }: Question, text: string): boolean => wordsOf(text).some((word) => names.has(word))

/** "My Netflix password" is no sister's, whatever a reader says. */
const OF_ASKER = ['my', 'our', 'mine', 'i', 'we']

/** What was told of a sister answers no question that names none: neither of a friend nor of the user. */
function isOfAnother({ wanted, words }: Question, subject: string): boolean {
  if (wanted === 'person' || wanted === 'name' || !isBeing(subject)) return false
  const asked = [...words.keys()].flatMap((either) => either.split('|'))
  return ![...asked, asked.join(' ')].some((one) => sameBeing(one, subject) > 0 || areAlike(stem(one), stem(subject)))
}
