import { topicOf } from './noun-phrase.ts'
import { PREDICATES } from './predicates.ts'
import { groupSpan, isProper, tell, topicIn, type Clause, type Reading } from './reading.ts'
import { HIS, subjectOf, type Subject } from './subjects.ts'
import { EMPTY_NOUNS, isBeing, OWN_NOUNS } from './vocabulary.ts'
import { isJob, isNationality, isPersonName } from './self.ts'
import { SPECIAL_FORMS } from './special-forms.ts'

/** Reads what a clause tells; false where no rule knows it. */
export function readTelling(reading: Reading, clause: Clause): boolean {
  for (const form of SPECIAL_FORMS) if (form(reading, clause)) return true
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

/** "I'm Anna", "my wife is a midwife", "I'm German". */
function readBeing(reading: Reading, clause: Clause, subject: Subject, words: string, at: number): boolean {
  const be =
    /^(?:am|is|are|was|'m|'s|'re|m|s)\s+(?:(?:also|now|actually|just|still|currently|both)\s+){0,2}(?<article>an?\s+)?(?<value>.+)$/diu.exec(
      words,
    )
  const value = be === null ? undefined : groupSpan(be, 'value', at)
  if (be === null || value === undefined || !subject.isSaid) return false
  const said = reading.plain.slice(value.start, value.end)
  const topic = (attribute: string) => ({ subject: subject.who, attribute })
  if (isNationality(said)) return tell(reading, clause, topic('origin'), value, 'name', 0.75)
  if (be.groups?.['article'] !== undefined || (/^\p{Ll}/u.test(said) && said.split(' ').length <= 3 && isJob(said)))
    return readJob(reading, clause, subject.who, value, said)
  if (isProper(said) && (subject.who !== 'user' || isPersonName(said)))
    return tell(reading, clause, topic('name'), value, subject.who === 'user' ? 'name' : 'list', 0.8)
  if (clause.greets && subject.who === 'user' && isPersonName(said))
    return tell(reading, clause, topic('name'), value, 'name', 0.6)
  return false
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

const LINKS =
  "(?:\\s+(?:is|are|was|were|will be|has to be|would be|must be|has always been|became|is set to|is still)(?:\\s+(?:now|currently|actually|still|called|named))?\\s*:?|\\s?[:=]|\\s*,? (?:that'?s|it'?s))"
const COPULA = new RegExp(`^(?<np>[^:=?!;\\uFFFC]{2,70}?)${LINKS}\\s+(?<value>\\S.*)$`, 'diu')
const NAMES = /^(?<np>[^:=?!;\uFFFC]{2,60}?'s (?:name|birthday|number|email|phone|address|job))'?s\s+(?<value>\S.*)$/diu
const CONTRACTED = /^(?<np>[^:=?!;.\uFFFC]{2,70}?)(?:'s|s'(?=\s))\s+(?<value>\S.*)$/diu
const NOT_IN_PHRASE =
  /\b(?:i|you|we|he|she|it|that|who|which|what|is|are|was|because|and|when|if|how|there|this|not|don't|can)\b/iu

/** "my favourite colour is teal", "locker code: 4071", "blood type's O negative". */
function readCopula(reading: Reading, clause: Clause): boolean {
  for (const pattern of [COPULA, NAMES, CONTRACTED]) {
    const match = pattern.exec(clause.words)
    const phrase = match?.groups?.['np']
    const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
    if (phrase === undefined || value === undefined || NOT_IN_PHRASE.test(phrase)) continue
    if (readNoun(reading, clause, phrase, value, reading.plain.slice(value.start, value.end))) return true
  }
  return false
}

function readNoun(
  reading: Reading,
  clause: Clause,
  phrase: string,
  value: { start: number; end: number },
  said: string,
): boolean {
  const isOwn = /^(?:my|our|mine)\s/iu.test(phrase) || /\b(?:my|our)\s/iu.test(phrase)
  const ofThem = HIS.exec(phrase)
  const topic = topicIn(reading, ofThem === null ? phrase : phrase.slice(ofThem[0].length))
  const words = topic.attribute.split(' ')
  const head = words.at(-1) ?? ''
  if (
    topic.attribute === '' ||
    words.length > 6 ||
    EMPTY_NOUNS.has(topic.attribute) ||
    /^(?:not|n't|so|too|very|such|why|when|how|what|where|like|about to)\b/iu.test(said)
  )
    return false
  if (topic.subject === 'user' && isBeing(topic.attribute) && !isLabel(head)) {
    return isProper(said) && tell(reading, clause, { subject: topic.attribute, attribute: 'name' }, value, 'list', 0.8)
  }
  if (ofThem !== null) {
    return (
      reading.focus !== undefined &&
      tell(reading, clause, { subject: reading.focus, attribute: topic.attribute }, value, 'text', 0.8)
    )
  }
  const favorite = words.includes('favorite')
  const isSpecific = /[\d@\p{Lu}#]/u.test(said)
  const isListed = /[:=]\s*$/u.test(reading.plain.slice(clause.start, value.start))
  if (!isOwn && !favorite && !(OWN_NOUNS.has(head) && (isSpecific || isListed || isSecret(head)))) return false
  if (
    !isSpecific &&
    !favorite &&
    !/^(?:goal|plan|dream|hobby|passion|resolution|sport|talent|skill|fear|job)/u.test(topic.attribute) &&
    isState(said)
  )
    return false
  if (topic.subject !== 'user') reading.focus = topic.subject
  return tell(
    reading,
    clause,
    topic,
    value,
    topic.attribute === 'name' || topic.attribute === 'surname' ? 'name' : 'text',
    isOwn ? 0.9 : 0.75,
  )
}

function isLabel(head: string): boolean {
  return OWN_NOUNS.has(head)
}

function isSecret(head: string): boolean {
  return /^(?:password|passcode|passphrase|pin|code|username|login|wifi)$/u.test(head)
}

/** "my phone is dead", "my code is not working": how something is just now. */
function isState(said: string): boolean {
  return /^(?:(?:not )?(?:working|running|crashing|killing|acting|hurting|barking|sleeping|coming|going|doing|getting|being|making|giving|throwing|failing|showing|looking|dying|driving|ringing|leaking|waiting|playing up|starting|trying|still)\b|(?:really |so |very |too |all |a bit |getting |pretty |quite |kind of |kinda |totally )*(?:broken|dead|full|empty|slow|late|lost|gone|sick|ill|tired|cute|great|good|bad|nice|fine|ok|okay|awful|terrible|boring|weird|hot|cold|ready|done|over|out|down|up|off|on|here|there|back|wrong|right|correct|closed|open|sore|hungry|happy|sad|mad|angry|beautiful|amazing|awesome|adorable|expensive|cheap|dirty|clean|busy|annoying|stuck|overdue|due|missing|to |that |short|too long|killing|driving|(?:over|out|down|up|off|on|here|there|back)[.!\s]*$))(?=\b|\s|$)/iu.test(
    said,
  )
}
