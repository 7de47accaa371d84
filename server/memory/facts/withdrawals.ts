import { PREDICATES } from './predicates.ts'
import { add, groupSpan, tell, topicIn, type Clause, type Reading } from './reading.ts'
import { subjectOf } from './subjects.ts'
import { isBeing, isBeingWord, singular } from './vocabulary.ts'
import { listSpans, valueSpan, type Span } from './values.ts'

const FORGET =
  /^(?:(?:please|can you|could you|would you|will you|pls|kindly|you can|you should|i want you to|i'?d like you to|just)\s+)*(?:forget|delete|erase|remove|wipe|clear|drop|unlearn|don'?t (?:remember|keep|store|save)|do not (?:remember|keep|store|save)|stop (?:remembering|storing|keeping)|no longer remember)(?:\s+(?:about|everything about|anything about|all about|what i (?:said|told you) about|the fact that|that))*\s+(?<np>(?:my|our|the)\s[\p{L}\p{N}' -]{2,60}?)(?:\s+(?:from (?:your )?memory|that i (?:told|gave) you|i (?:told|gave) you|for good|completely|please|pls|now|again|entirely|for me).*)?[.!?\s]*$/diu
const GONE =
  /^(?:i|we)(?:'ve| have)?\s+(?:just |finally |recently )?(?:sold|got rid of|gave up|given up|gave away|given away|scrapped|cancel?led|quit|dropped|closed|deleted|ditched|traded in|returned|broke up with|stopped (?:playing|learning|studying|collecting|doing|using))\s+(?:playing |learning |studying |on )?(?<np>(?:my |our |the )?[\p{L}\p{N}' -]{2,60}?)(?:\s+(?:yesterday|today|last \p{L}+|because .*|in \p{L}+|on \p{L}+))?[.!\s]*$/diu
const DIED =
  /^(?:my|our|the)\s+(?<np>[\p{L}' -]{2,40}?)\s+(?:died|passed away|ran away|was stolen|got stolen|is gone|broke down for good|was (?:scrapped|put down|cancell?ed))\b.*$/diu
const NO_MORE =
  /^(?:i|we)\s+(?:(?:don'?t|do not) (?:have|own)|have no|no longer (?:have|own)|haven'?t got)\s+(?:an? |any |my |our |the |that )?(?<np>[\p{L}' -]{2,50}?)(?:\s+(?:any ?more|any longer|now|after all))?[.!\s]*$/diu
/** "I quit smoking 59 months ago" tells when it was; what was told since is not meant. */
const LONG_AGO =
  /\b(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|many|some) (?:months?|years?|decades?) ago\b/iu
const STILL = /\b(?:any ?more|any longer|no longer|after all|not anymore)\b/iu
const STILL_AT_END = /\s+(?:any ?more|any longer|after all|now)[\s.!,]*$/iu
const NOT =
  /^(?:(?:(?:am|is|are|was|'m|'s|'re|m)\s+)?(?:no longer|not)|don'?t|doesn'?t|do not|does not|isn'?t|aren'?t|stopped)\s+/iu

const ORDER =
  /^(?:\W|(?:please|pls|kindly|just|ok(?:ay)?|now|can you|could you|would you|will you|you can|i want you to|i'?d like you to)\b)*(?:forget|delete|erase|remove|wipe|unlearn)\b(?=[^,;]*\b(?:my|our|me|i|everything|all)\b)[^,;]*$/iu

/** "Forget everything about me": what orders to forget tells nothing. */
export const ordersToForget = (text: string): boolean => ORDER.test(text)

/** Reads what is to be forgotten or does not hold any more; false where the clause says nothing of the kind. */
export function readWithdrawal(reading: Reading, clause: Clause): boolean {
  const words = clause.words
  if (LONG_AGO.test(words)) return false
  for (const pattern of [FORGET, GONE, DIED]) {
    const phrase = pattern.exec(words)?.groups?.['np']
    if (phrase !== undefined) return withdrawNoun(reading, clause, phrase)
  }
  const noMore = NO_MORE.exec(words)?.groups?.['np']
  if (noMore !== undefined && (STILL.test(words) || /\bnow\b/iu.test(words)))
    return withdrawNoun(reading, clause, noMore)
  return readNegation(reading, clause) || readNegatedNoun(reading, clause)
}

function withdrawNoun(reading: Reading, clause: Clause, phrase: string): boolean {
  const topic = topicIn(reading, phrase)
  if (
    topic.attribute === '' ||
    /^(?:it|that|this|everything|all|one|time|idea|clue|money|thing|things|fact|past|rest)$/u.test(topic.attribute)
  )
    return false
  const attribute = topic.attribute.split(' ').map(singular).join(' ')
  // "I gave up the cello": the value of something told
  const valued = [...reading.recent, ...reading.facts].findLast(
    (fact) => fact.kind !== 'withdrawn' && nounOf(fact.value) === nounOf(phrase),
  )
  if (valued !== undefined && topic.subject === 'user') add(reading, clause, valued, valued.value, 'withdrawn', 0.85)
  else
    add(
      reading,
      clause,
      { subject: topic.subject, attribute: isBeing(attribute) ? attribute : topic.attribute },
      '',
      'withdrawn',
      0.9,
    )
  return true
}

function nounOf(phrase: string): string {
  return phrase.toLowerCase().replace(/^(?:my|our|the|an?)\s/u, '')
}

/** "I don't live in Turin anymore", "I'm not allergic to nuts after all" */
function readNegation(reading: Reading, clause: Clause): boolean {
  if (!STILL.test(clause.words) && !(clause.corrects && /not |n't /iu.test(clause.words)) && !hasRival(reading, clause))
    return false
  const said = subjectOf(reading, clause.words)
  const subject = said ?? { who: reading.who, length: 0 }
  const rest = clause.words.slice(subject.length)
  const not = NOT.exec(rest)
  if (not === null) return false
  const be = /^(?:am|is|are|was|'m|'s|'re|m|isn|aren|not|no)/iu.test(not[0]) ? 'is ' : ''
  const at = clause.start + subject.length + not[0].length
  for (const predicate of PREDICATES) {
    for (const lead of be === '' ? [''] : [be, '']) {
      const match = predicate.pattern.exec(lead + rest.slice(not[0].length).replace(STILL_AT_END, ''))
      const value = match === null ? undefined : groupSpan(match, 'value', at - lead.length)
      if (value === undefined || predicate.attribute.includes('$') || /^[A-Z]/u.test(predicate.attribute)) continue
      return withdrawValues(
        reading,
        clause,
        { subject: subject.who, attribute: predicate.attribute },
        { start: Math.max(value.start, at), end: value.end },
        predicate.value === 'list',
      )
    }
  }
  return false
}

/** "I'm not allergic to peanuts" takes back what was told, without "any more". */
function hasRival(reading: Reading, clause: Clause): boolean {
  const words = clause.words.toLowerCase()
  return [...reading.recent, ...reading.facts].some(
    (fact) => fact.kind !== 'withdrawn' && fact.value.length > 2 && words.includes(fact.value.toLowerCase()),
  )
}

function withdrawValues(
  reading: Reading,
  clause: Clause,
  topic: { subject: string; attribute: string },
  span: Span,
  isList: boolean,
): boolean {
  const whole = valueSpan(reading.plain, span, 'text')
  if (whole === undefined) return false
  for (const value of isList ? listSpans(reading.plain, whole) : [whole]) {
    add(reading, clause, topic, reading.text.slice(value.start, value.end), 'withdrawn', 0.85)
  }
  return true
}

/** "my boss isn't Karen any more, it's Deepak" */
function readNegatedNoun(reading: Reading, clause: Clause): boolean {
  const match =
    /^(?:my|our|the)\s+(?<np>[\p{L}' -]{2,50}?)\s*(?:is not|isn'?t|is no longer|are not|aren'?t|are no longer|'s no longer|'s not)\s+(?<value>.{1,80}?)(?:\s+(?:any ?more|any longer))?(?:,?\s+(?:it'?s|but|he'?s|she'?s|it is)\s+(?:now )?(?<more>.+))?$/diu.exec(
      clause.words,
    )
  const phrase = match?.groups?.['np']
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  if (match === null || phrase === undefined || value === undefined) return false
  const more = groupSpan(match, 'more', clause.start)
  if (!STILL.test(clause.words) && more === undefined && !hasRival(reading, clause)) return false
  const topic = topicIn(reading, phrase)
  const named =
    topic.subject === 'user' && isBeingWord(topic.attribute.split(' ').at(-1) ?? '')
      ? { subject: topic.attribute, attribute: 'name' }
      : topic
  if (named.subject !== 'user') reading.focus = named.subject
  const isRead = withdrawValues(reading, clause, named, value, false)
  if (more !== undefined) tell(reading, { ...clause, corrects: false }, named, more, 'text', 0.85)
  return isRead
}
