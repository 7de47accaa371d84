/** Whether two memories are about two things, as far as rules have read what they are about. */
import { NO_TOPIC } from '../facts/follow-ups.ts'
import { nounWords } from '../facts/noun-phrase.ts'
import { topicKey } from '../facts/supersede.ts'
import { SAME_THING, sameTopic } from '../facts/topic.ts'
import { OWN_NOUNS, spelled } from '../facts/vocabulary.ts'
import type { Question } from './question.ts'
import { isSomebody } from './likeness.ts'
import { areAlike } from './related-words.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import type { Memory } from '../../store/memory-calls.ts'

/** Rules have read what both are about, and these are two things: a son's birthday, and then a cousin's name. */
export function isOfElse(question: Question, { text, fact: before }: Memory, { text: next, fact }: Memory): boolean {
  const { words, known } = question
  const said = `${text} ${[...known].join(' ')}`
  if (!fact)
    return (
      isOfAnybody(next, said) ||
      isOfAnotherBeing(next, question) ||
      namesPlaces(next, question) ||
      isOfAnotherPlan(next, said)
    )
  if (before && (topicKey(before) === topicKey(fact) || sameTopic(before, fact) >= SAME_THING)) return false
  const topicWords = nounWords(fact.attribute).filter((word) => !isCommon(word))
  const asked = [...words.keys()].flatMap((either) => either.split('|'))
  const saidStems = [...wordsOf(text), ...asked, ...known].map((word) => stem(spelled(word)))
  const isNew = (word: string): boolean =>
    !isCommon(word) && !saidStems.some((one) => one === stem(spelled(word)) || areAlike(one, stem(spelled(word))))
  const own = new Set(wordsOf(next).map(spelled))
  // "It's 3:30" is of what it corrected: no word of its topic is its own.
  const isOfCorrected = topicWords.length > 0 && topicWords.every((word) => !own.has(word) && isNew(word))
  if (isOfCorrected && fact.subject === 'user') return true
  if (NO_TOPIC.test(fact.attribute) || topicWords.length > MOST_NOUNS) return false
  // "I changed my name" says nothing of a grandmother's.
  const isOfUser = before !== null && before.subject !== 'user' && fact.subject === 'user'
  if (isOfUser && /\b(?:my|our)\b/iu.test(next) && topicWords.some((word) => own.has(word))) return true
  const isNamed = (topic: string): boolean => nounWords(topic).some((word) => own.has(word) && isNew(word))
  // What it corrects was known when it was told: "sorry, is 605-6123".
  const isMeant = before !== null && !nounWords(`${fact.attribute} ${fact.subject}`).some((word) => own.has(word))
  if (isMeant || (fact.subject !== 'user' && isNamed(fact.subject))) return true
  const nouns = nounWords(fact.attribute)
  const isClear = before !== null || nouns.length > 1 || nouns.some((word) => OWN_NOUNS.has(word))
  // A "collar size" is of the collar: what there is of it says less.
  const things = topicWords.filter((word) => !OF_THINGS.test(word))
  return isClear && isNamed(fact.attribute) && (things.length === 0 || things.some(isNew))
}

/** "Dohe likes cycling": of somebody whom neither the question nor what was said names. */
const OF_SOMEBODY =
  /^(?<who>\p{Lu}\p{Ll}+)(?<!ing|ed|ly) (?:likes|loves|hates|enjoys|prefers|has|had|wants|works|lives|plays)\b/u

function isOfAnybody(next: string, said: string): boolean {
  const who = OF_SOMEBODY.exec(next)?.groups?.['who']?.toLowerCase()
  return who !== undefined && !isCommon(who) && !wordsOf(said).includes(who)
}

/** "We changed our minds about Slovenia", where nothing was said of that. */
const CHANGED_MIND = /\bchanged (?:my|our|their|his|her) minds? (?:on|about) (?:the )?(?<what>\p{Lu}\p{L}+)/u

function isOfAnotherPlan(next: string, said: string): boolean {
  const what = CHANGED_MIND.exec(next)?.groups?.['what']?.toLowerCase()
  return what !== undefined && !wordsOf(said).includes(what)
}

/** "My aunt drinks coffee": nothing of a sister, who was asked about. */
const OF_BEING =
  /^(?:my|our) (?<who>[\p{L}-]+)(?: \p{Lu}\p{L}+)? (?:likes|loves|hates|enjoys|prefers|drinks|eats|wears|has|works|lives|plays|speaks|studies)\b/u

function isOfAnotherBeing(next: string, { words }: Question): boolean {
  const who = OF_BEING.exec(next[0]!.toLowerCase() + next.slice(1))?.groups?.['who']?.toLowerCase()
  if (who === undefined || !isSomebody(who)) return false
  const asked = [...words.keys()].flatMap((either) => either.split('|')).filter(isSomebody)
  return asked.length > 0 && !asked.some((one) => stem(one) === stem(who) || areAlike(stem(one), stem(who)))
}

/** "We were married in Whitby": whose name is asked for is not named there. */
function namesPlaces(next: string, { wanted }: Question): boolean {
  if (wanted !== 'name' && wanted !== 'person') return false
  const names = [...next.matchAll(/(?<=(?<before>\p{L}+)\s+)\p{Lu}[\p{L}\p{M}'-]+/gu)].filter(
    ({ 0: name }) => !/^I(?:'|$)/u.test(name),
  )
  return names.length > 0 && names.every(({ groups }) => /^(?:in|at|near)$/iu.test(groups!['before']!))
}

/** What any thing has. */
const OF_THINGS = /^(?:size|number|name|code|password|address|date|time|day|color|type|brand|price|cost)$/u
/** Longer names of topics are half a sentence. */
const MOST_NOUNS = 2

/** Whether rules have read in the later one what took the place of the earlier. */
export function isOnTopic(earlier: readonly Memory[], { fact, created }: Memory): boolean {
  return earlier.some((before) => {
    if (!fact || before.ended !== created) return false
    if (before.fact) return topicKey(before.fact) === topicKey(fact)
    const words = new Set(wordsOf(before.text))
    return wordsOf(fact.attribute).every((word) => words.has(word))
  })
}
