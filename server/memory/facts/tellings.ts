import { ASSIGNED_FORMS } from './assigned.ts'
import { readCopula } from './copulas.ts'
import { topicOf } from './noun-phrase.ts'
import { PREDICATES } from './predicates.ts'
import { groupSpan, isProper, tell, type Clause, type Reading } from './reading.ts'
import { subjectOf, type Subject } from './subjects.ts'
import { isGivenName } from '../recall/names.ts'
import { isKnownWord } from '../recall/word-vectors.ts'
import { isJob, isNationality, isPersonName } from './self.ts'
import { SPECIAL_FORMS } from './special-forms.ts'

/** Reads what a clause tells; false where no rule knows it. */
export function readTelling(reading: Reading, clause: Clause): boolean {
  for (const form of [...ASSIGNED_FORMS, ...SPECIAL_FORMS]) if (form(reading, clause)) return true
  const subject = subjectOf(reading, clause.words)
  if (subject !== undefined && readOf(reading, clause, subject)) return true
  if (readCopula(reading, clause)) return true
  return subject === undefined && readPredicate(reading, clause, { who: reading.who, length: 0, isSaid: false })
}

function readOf(reading: Reading, clause: Clause, subject: Subject): boolean {
  reading.who = subject.who
  if (subject.who !== 'user') reading.focus = subject.who
  let isRead = false
  let who = subject.who
  if (subject.name !== undefined && who !== 'user') {
    const span = { start: clause.start + subject.name[0], end: clause.start + subject.name[1] }
    const name = reading.text.slice(span.start, span.end)
    isRead = tell(reading, { ...clause, corrects: false }, { subject: who, attribute: 'name' }, span, 'name', 0.85)
    who = `${who} ${name.toLowerCase()}`
    reading.focus = who
    reading.who = who
  }
  return readPredicate(reading, clause, { ...subject, who }) || isRead
}

function readPredicate(reading: Reading, clause: Clause, subject: Subject): boolean {
  const rest = clause.words.slice(subject.length)
  const skipped = AUXILIARY.exec(rest)?.[0].length ?? 0
  const words = rest.slice(skipped)
  const at = clause.start + subject.length + skipped
  for (const predicate of PREDICATES) {
    const match = predicate.pattern.exec(words)
    if (match === null) continue
    const value = groupSpan(match, 'value', at) ?? groupSpan(match, 'more', at)
    if (value === undefined || (predicate.isProper && !isProper(reading.plain.slice(value.start, value.end)))) continue
    if (
      /^(?:likes|dislikes|preference|uses)$/u.test(predicate.attribute) &&
      isVague(reading.plain.slice(value.start, value.end))
    )
      return false
    if (!subject.isSaid && predicate.confidence < 0.85 && !isLeading(predicate.attribute)) continue
    const topic = predicateTopic(predicate.attribute, subject.who, match.groups?.['noun'] ?? '')
    if (
      !tell(
        reading,
        clause,
        topic,
        value,
        predicate.value,
        subject.isSaid ? predicate.confidence : predicate.confidence - 0.15,
      )
    )
      continue
    const more = predicate.second === undefined ? undefined : groupSpan(match, 'more', at)
    if (more !== undefined && predicate.second !== undefined) {
      tell(
        reading,
        clause,
        { ...topic, attribute: predicate.second.attribute },
        more,
        predicate.second.value,
        predicate.confidence,
      )
    }
    return true
  }
  return readBeing(reading, clause, subject, words, at)
}

/** "'ve recently", "have been", "really": what stands before the verb that decides. */
const AUXILIARY =
  /^(?:(?:'ve|ve|have|has|had|'d)\s+(?=(?:(?:just|recently|finally|now|also|already|always|only|since)\s+)*(?:been|born|grown|grew|gone|become|bought|kept|put|left|hid|played|lived|\p{L}{2,12}ed)\b))?(?:(?:just|recently|finally|now|also|already|currently|actually|kinda|kind of|sort of|sorta|definitely|honestly|basically|officially|proudly|happily|temporarily|permanently|mostly|mainly|normally)\s+){0,3}/iu

function isLeading(attribute: string): boolean {
  return /^(?:parking|employer|job|age|wedding)$/u.test(attribute)
}

function predicateTopic(attribute: string, who: string, noun: string) {
  if (attribute === 'SPOUSE' || attribute === 'PARTNER') {
    return {
      subject: who === 'user' ? attribute.toLowerCase() : `${who} ${attribute.toLowerCase()}`,
      attribute: 'name',
    }
  }
  const named = noun === '' ? attribute : attribute.replace('$noun', topicOf(noun).attribute)
  return { subject: who, attribute: named }
}

/** "I like it", "I love that": nothing is told that could be found again. */
function isVague(value: string): boolean {
  return /^(?:it|that|this|them|those|these|you|your|to (?:know|see|ask|have|be|get|hear|talk|learn more)|how|when|what|where|the (?:way|idea|sound|look)|him|her|the one|my (?:job|life)|myself)\b/iu.test(
    value.trim(),
  )
}

/** "I'm Anna", "my wife is a midwife", "I'm German"; what somebody was, they need not be now. */
function readBeing(reading: Reading, clause: Clause, subject: Subject, words: string, at: number): boolean {
  const be =
    /^(?:am|is|are|'m|'s|'re|m|s)\s+(?:(?:also|now|actually|just|still|currently|both)\s+){0,2}(?<article>an?\s+)?(?<value>.+?)(?:\s+(?:now|these days|nowadays)[.!\s]*)?$/diu.exec(
      words,
    )
  const value = be === null ? undefined : groupSpan(be, 'value', at)
  if (be === null || value === undefined || !subject.isSaid) return false
  const said = reading.plain.slice(value.start, value.end)
  const topic = (attribute: string) => ({ subject: subject.who, attribute })
  if (isNationality(said)) return tell(reading, clause, topic('origin'), value, 'name', 0.75)
  if (
    be.groups?.['article'] !== undefined ||
    (/^\p{Ll}[^:]*$/u.test(said) && said.split(' ').length <= 3 && isJob(said))
  )
    return readJob(reading, clause, subject.who, value, said)
  // "We are Gravel Choir": a band, or a team.
  if (subject.who === 'user' && /^(?:are|'re)\b/iu.test(words)) return false
  if (isProper(said) && (subject.who !== 'user' || isPersonName(said)))
    return tell(reading, clause, topic('name'), value, subject.who === 'user' ? 'name' : 'list', 0.8)
  if (clause.greets && subject.who === 'user' && isPersonName(said))
    return tell(reading, clause, topic('name'), value, 'name', 0.6)
  const name = subject.who === 'user' ? nameInSmall(said, GREETS.test(reading.text)) : ''
  if (name === '') return false
  return tell(reading, clause, topic('name'), { start: value.start, end: value.start + name.length }, 'name', 0.6)
}

const GREETS = /^\W*(?:hi+|hey|hello|hiya|howdy|good (?:morning|evening|afternoon))\b/iu

/** "im marek, i work nights": a word alone that is a given name; in a message that greets, one that is no word at all: "hi! im tamsin". */
function nameInSmall(said: string, greets: boolean): string {
  const word = /^\p{Ll}{3,}(?=\s*(?:[,.!;(–-]|$|\s(?:and|btw|by the way|from|here)\b))/u.exec(said)?.[0] ?? ''
  const isName = isGivenName(word) || (greets && !isKnownWord(word) && !/(?:ed|ing|ry)$/u.test(word))
  return word !== '' && isPersonName(word) && isName ? word : ''
}

function readJob(
  reading: Reading,
  clause: Clause,
  who: string,
  value: { start: number; end: number },
  said: string,
): boolean {
  if (!isJob(said)) return false
  const at = / (?:at|for|with|in(?= \p{Lu})) /u.exec(said)
  const job = at === null ? value : { start: value.start, end: value.start + at.index }
  if (!tell(reading, clause, { subject: who, attribute: 'job' }, job, 'name', 0.85)) return false
  if (at !== null) {
    tell(
      reading,
      clause,
      { subject: who, attribute: 'employer' },
      { start: job.end + at[0].length, end: value.end },
      'name',
      0.8,
    )
  }
  return true
}
