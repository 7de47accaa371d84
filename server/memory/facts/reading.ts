import type { Fact, Sentence, Topic } from './fact.ts'
import type { Opened } from './clauses.ts'
import { topicOf } from './noun-phrase.ts'
import { listSpans, valueSpan, type Span, type ValueKind } from './values.ts'

/** What the rules know while they read a message. */
export interface Reading {
  readonly text: string
  readonly plain: string
  readonly recent: readonly Fact[]
  /** Facts of this message so far. */
  readonly facts: Fact[]
  /** Whom "he", "she" and "it" mean. */
  focus: string | undefined
  /** Subject of the clause before, in the same sentence. */
  who: string
}

/** A clause that is being read, without its openers. */
export interface Clause extends Opened {
  readonly sentence: Sentence
  readonly end: number
  /** Of the plain message, from `start` to `end`. */
  readonly words: string
}

/** "I worked for two years": nobody's employer. */
const PLACED = /^(?:employer|job|home)$/u
const SPAN_OF_TIME = /^(?:\p{L}+ |\d+ ){0,3}(?:days?|weeks?|months?|years?|decades?|ages|while|now)$/iu

/** Adds a fact for each value of a span; false where nothing is left of it. */
export function tell(
  reading: Reading,
  clause: Clause,
  topic: Topic,
  span: Span,
  kind: ValueKind,
  confidence: number,
): boolean {
  const secret = /(?:password|passcode|passphrase|code|pin|key)$/u.test(topic.attribute)
  const isMany =
    topic.attribute === 'name' && topic.subject !== 'user' && /(?:[^s]s|kids|children)$/u.test(topic.subject)
  const readAs = kind === 'text' && secret ? 'secret' : kind === 'list' || isMany ? 'text' : kind
  const read = valueSpan(reading.plain, span, readAs)
  if (read === undefined) return false
  const whole = kind === 'text' ? tellDetail(reading, clause, topic, read, confidence) : read
  if (PLACED.test(topic.attribute) && SPAN_OF_TIME.test(reading.plain.slice(whole.start, whole.end))) return false
  const all = kind === 'list' || isMany ? listSpans(reading.plain, whole) : [whole]
  // "Big Kev, sound bloke" is one name, "tim, anna and bo" are three.
  const isNext = ({ start, end }: Span): boolean => {
    const said = reading.plain.slice(start, end)
    return isProper(said) || !said.includes(' ')
  }
  const values = topic.attribute === 'name' ? all.filter((value, at) => at === 0 || isNext(value)) : all
  for (const value of values) {
    add(
      reading,
      clause,
      topic,
      reading.text.slice(value.start, value.end),
      clause.corrects ? 'corrected' : 'told',
      confidence,
    )
  }
  return values.length > 0
}

/** "A green Skoda, plate KR 4482 T", "LH 1234, seat 14C": a number that belongs to the thing. */
const DETAIL =
  /^(?<value>[^,]{2,40}), (?:and )?(?:the |its |with )?(?:licen[cs]e |number )?(?<noun>plate|seat|registration|gate|row|room|size)(?: number)?:? (?:is )?(?<more>\S*\d\S*(?: \S{1,5})*|\p{Lu}{1,3} \d\S*(?: \S{1,5})*)$/du

/** Tells the number that is added to a value; returns where the value itself stands. */
function tellDetail(reading: Reading, clause: Clause, topic: Topic, span: Span, confidence: number): Span {
  const match = DETAIL.exec(reading.plain.slice(span.start, span.end))
  const [value, more] = match ? [groupSpan(match, 'value', span.start), groupSpan(match, 'more', span.start)] : []
  if (!match || !value || !more) return span
  tell(
    reading,
    clause,
    { ...topic, attribute: `${topic.attribute} ${match.groups!['noun']}` },
    more,
    'name',
    confidence,
  )
  return value
}

export function add(
  reading: Reading,
  clause: Clause,
  topic: Topic,
  value: string,
  kind: Fact['kind'],
  confidence: number,
): void {
  const attribute = numbered(telephone(topic.attribute, value), value)
  if (attribute === '' || (attribute === 'name' && NO_NAME.test(value))) return
  const fact = { subject: topic.subject, attribute, value, kind, sentence: clause.sentence, confidence }
  if (
    reading.facts.some(
      (f) => f.subject === fact.subject && f.attribute === attribute && f.value === value && f.kind === kind,
    )
  )
    return
  reading.facts.push(fact)
}

/** Nobody's name: "my bad about Yusuf, it's the 20th", "parents evening is Wednesday at 5:20". */
const NO_NAME =
  /^\d+(?:st|nd|rd|th)?$|\b\d{1,2}[:.]\d{2}\b|^(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day (?:at|the|morning|afternoon|evening|night|\d)/iu

/** "My phone is 555-0142" tells a number, "my phone is a Fairphone" does not. */
function telephone(attribute: string, value: string): string {
  const digits = value.replaceAll(/\D/gu, '').length
  return /^(?:new )?(?:phone|cell|mobile|number|cellphone|telephone)$/u.test(attribute) && digits >= 6
    ? 'phone number'
    : attribute
}

/** "My flight is BA5572" tells its number, "my flight is on Friday" does not. */
function numbered(attribute: string, value: string): string {
  return attribute === 'flight' && /^(?=\S*\d)[\p{Lu}\d-]{4,}$/u.test(value) ? 'flight number' : attribute
}

/** The place of a named group in the message. */
export function groupSpan(match: RegExpExecArray, group: string, offset: number): Span | undefined {
  const place = match.indices?.groups?.[group]
  return place === undefined ? undefined : { start: offset + place[0], end: offset + place[1] }
}

/** A topic of a noun phrase; where it belongs to a person whose name is known, to that person. */
export function topicIn(reading: Reading, phrase: string): Topic {
  const topic = topicOf(phrase)
  return { subject: knownAs(reading, topic.subject), attribute: topic.attribute }
}

/** "joanna" is "sister joanna" where a fact says that the sister is called so. */
export function knownAs(reading: Reading, subject: string): string {
  const named = [...reading.recent, ...reading.facts].findLast(
    (fact) => fact.attribute === 'name' && fact.subject !== 'user' && fact.value.toLowerCase() === subject,
  )
  return named === undefined ? subject : named.subject
}

export function isProper(value: string): boolean {
  return /^["“']?(?![\p{Ll}\d])[\p{L}@]/u.test(value)
}
