import type { Topic } from './fact.ts'
import { groupSpan, isProper, tell, topicIn, type Clause, type Reading } from './reading.ts'
import { HIS } from './subjects.ts'
import { EMPTY_NOUNS, isBeing, OWN_NOUNS } from './vocabulary.ts'

const LINKS =
  "(?:\\s+(?:is|are|was|were|will be|has to be|would be|must be|has always been|became|is set to|is still)(?:\\s+(?:now|currently|actually|still|called|named))?\\s*:?|\\s?[:=]|\\s*,? (?:that'?s|it'?s))"
const COPULA = new RegExp(`^(?<np>[^:=?!;\\uFFFC]{2,70}?)${LINKS}\\s+(?<value>\\S.*)$`, 'diu')
const NAMES = /^(?<np>[^:=?!;\uFFFC]{2,60}?'s (?:name|birthday|number|email|phone|address|job))'?s\s+(?<value>\S.*)$/diu
const CONTRACTED = /^(?<np>[^:=?!;.\uFFFC]{2,70}?)(?:'s|s'(?=\s))\s+(?<value>\S.*)$/diu
const NOT_IN_PHRASE =
  /\b(?:i|you|we|he|she|it|that|who|which|what|is|are|was|because|and|when|if|how|there|this|not|don't|can)\b/iu

/** "my favourite colour is teal", "locker code: 4071", "blood type's O negative". */
export function readCopula(reading: Reading, clause: Clause): boolean {
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
    /^(?:not|n't|so|too|very|such|why|when|how|what|where|like|about to)\b/iu.test(said) ||
    (/^(?:goal|intention)$/u.test(topic.attribute) && /^to\b/iu.test(said))
  )
    return false
  if (topic.subject === 'user' && isBeing(topic.attribute) && !isLabel(head)) {
    return isNamed(said) && tell(reading, clause, { subject: topic.attribute, attribute: 'name' }, value, 'list', 0.8)
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
  const isPlaced = /^keys?$/u.test(head) && PLACED.test(said)
  const isLabelled = OWN_NOUNS.has(head) && (isSpecific || isListed || isSecret(head) || isPlaced)
  if (!isOwn && !favorite && !isLabelled && !isMeantAsOwn(clause, topic, isSpecific)) return false
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

/** "Correction: the wake-up time is 5:30", "please remember that the bank is Sparda": nobody says so of what is not theirs. */
function isMeantAsOwn({ corrects, remembers }: Clause, { attribute }: Topic, isSpecific: boolean): boolean {
  const words = attribute.split(' ')
  if (!(corrects || remembers) || words.some((word) => EMPTY_NOUNS.has(word) || OF_ANYTHING.test(word))) return false
  return isSpecific || (corrects && words.length > 1)
}

const PLACED = /^(?:in|inside|under|behind|beneath|on|on top of|next to|near|above|at) (?:the|my|our) \p{L}/iu
const OF_ANYTHING = /^(?:ones?|others?|same|whole|thing|things|stuff|part|way|rest)$/u

/** Also "dr okafor", as it is typed on phones. */
function isNamed(said: string): boolean {
  return isProper(said) || /^(?:dr|mr|mrs|ms|prof|professor|miss|sir|father|sister)\b\.? \p{L}/iu.test(said)
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
