import type { Topic } from './fact.ts'
import { readFavorite } from './favorites.ts'
import { add, groupSpan, tell, topicIn, type Clause, type Reading } from './reading.ts'
import { holdsMany, otherWordsFor } from './supersede.ts'
import { isBeing, OWN_NOUNS } from './vocabulary.ts'

type Form = (reading: Reading, clause: Clause) => boolean

const NOUNS = "(?<np>[\\p{L}\\p{N}'&-]+(?: [\\p{L}\\p{N}'&-]+){0,5}?)"
const VALUE = '(?<value>\\S.{0,100}?)'
const OWN = '(?:my|our|the)'
const END = '(?: now)?[.!\\s]*$'

function pattern(source: string): RegExp {
  const full = source.replaceAll('NOUNS', NOUNS).replaceAll('VALUE', VALUE).replaceAll('OWN', OWN)
  return new RegExp(`^${full}${END}`, 'diu')
}

/** "I set the alarm code to 4071", "they gave me 4071 as locker code", "locker code = 4071" */
const TOLD: readonly RegExp[] = [
  pattern('(?:OWN )?NOUNS\\s*:?=\\s*VALUE'),
  pattern('OWN NOUNS (?:i|we) (?:have|got|use|chose|picked) is VALUE'),
  pattern('for OWN NOUNS (?:i|we) (?:have|use|chose|picked|took) VALUE'),
  pattern("(?:i|we)(?: have|'ve got| use| chose| picked| put| got| registered) VALUE as OWN NOUNS"),
  pattern("it(?: i|')s VALUE, (?:my|our) NOUNS"),
  pattern("(?:as for|when it comes to|regarding|concerning) OWN NOUNS, (?:that|it)(?: i|')s VALUE"),
  pattern('(?:as for|when it comes to|regarding|concerning) OWN NOUNS, (?:that|it) would be VALUE'),
  pattern("VALUE, that(?: i|')s (?:my|our) NOUNS"),
  pattern('(?:they|he|she) gave (?:me|us) VALUE as (?:OWN |an? )?NOUNS'),
  pattern('(?:i|we) set OWN NOUNS (?:to|as) VALUE'),
]

/** "my seat number changed from 12 to 14", "I changed my plan to Basic" */
const CORRECTED: readonly RegExp[] = [
  pattern(
    "(?:i|we)(?:'ve| have)?(?: just)? (?:changed|switched|updated|renamed|reset) OWN NOUNS(?: from (?<old>\\S.{0,60}?))? to VALUE",
  ),
  pattern('OWN NOUNS (?:has |have |just )?changed(?: from (?<old>\\S.{0,60}?))? to VALUE'),
]

/** Values put to a noun, as people note them. */
export const ASSIGNED_FORMS: readonly Form[] = [
  readFavorite,
  (reading, clause) => CORRECTED.some((form) => assign(reading, { ...clause, corrects: true }, form)),
  (reading, clause) => TOLD.some((form) => assign(reading, clause, form)),
  (reading, clause) => assign(reading, clause, USE, (topic) => isLabelled(topic) || clause.corrects),
  reachable,
]

/** "use 4071 for the door code"; "use Python for the script" is a request. */
const USE = pattern('use VALUE (?:for|as) OWN NOUNS')

function isLabelled({ attribute }: Topic): boolean {
  return (
    OWN_NOUNS.has(attribute.split(' ').at(-1) ?? '') ||
    attribute.startsWith('favorite ') ||
    / (?:day|date|time)$/u.test(attribute)
  )
}

function assign(
  reading: Reading,
  clause: Clause,
  form: RegExp,
  isMeant: (topic: Topic) => boolean = () => true,
): boolean {
  const match = form.exec(clause.words)
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  const phrase = match?.groups?.['np']
  if (value === undefined || phrase === undefined || /^(?:it|that|this|you|me|him|her|them)$/iu.test(phrase))
    return false
  const topic = topicIn(reading, phrase)
  if (topic.attribute === '' || !isMeant(topic)) return false
  if (topic.subject === 'user' && isBeing(topic.attribute))
    return tell(reading, clause, { subject: topic.attribute, attribute: 'name' }, value, 'name', 0.8)
  const old = match?.groups?.['old']
  // What is named goes, also where it was told in other words; of several values nothing else does.
  if (old !== undefined && (holdsMany(topic) || otherWordsFor(topic).length > 0))
    add(reading, clause, topic, old, 'withdrawn', 0.85)
  const isOneOfMany = old !== undefined && holdsMany(topic)
  return tell(reading, isOneOfMany ? { ...clause, corrects: false } : clause, topic, value, 'text', 0.85)
}

const REACH =
  /^(?:you can |please )?(?:call|reach|phone|text|ring) (?<np>(?:my|our) [\p{L}'-]+(?: [\p{L}'-]+){0,2}?) (?:at|on|under) (?<value>\+?[\d(][\d ()/.-]{5,24})[.!\s]*$/diu

/** "you can call my sister at 621-1979" */
function reachable(reading: Reading, clause: Clause): boolean {
  const match = REACH.exec(clause.words)
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  if (value === undefined) return false
  const { attribute: subject } = topicIn(reading, match?.groups?.['np'] ?? '')
  return tell(reading, clause, { subject, attribute: 'phone number' }, value, 'text', 0.85)
}
