import { topicOf } from './noun-phrase.ts'
import { groupSpan, isProper, tell, topicIn, type Clause, type Reading } from './reading.ts'
import { isBeing, PETS, singular, spelled } from './vocabulary.ts'
import type { ValueKind } from './values.ts'

type Form = (reading: Reading, clause: Clause) => boolean

const user = (attribute: string) => ({ subject: 'user', attribute })

/** A form that tells one attribute of the user. */
function simple(
  pattern: RegExp,
  attribute: string,
  kind: ValueKind,
  confidence: number,
  check?: (said: string) => boolean,
): Form {
  return (reading, clause) => {
    const match = pattern.exec(clause.words)
    const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
    if (value === undefined || check?.(reading.plain.slice(value.start, value.end)) === false) return false
    return tell(reading, clause, user(attribute), value, kind, confidence)
  }
}

const isNumber = (said: string) => said.replaceAll(/\D/gu, '').length >= 5
const isAddress = (said: string) => said.includes('@')
const isNotPhrase = (said: string) =>
  !/^(?:back|later|when|if|tomorrow|after|at|on|an?|the|it|maybe|crazy|old-fashioned)\b/iu.test(said)

/** "my teal Panda is my car" the other way round: "teal is my favourite colour". */
const inverse: Form = (reading, clause) => {
  const match =
    /^(?<value>[^,;:?!]{1,80}?)\s+(?:is|are|was|has always been)\s+(?:my|our)\s+(?<np>[\p{L}'-]+(?: [\p{L}'-]+){0,4})[.!\s]*$/diu.exec(
      clause.words,
    )
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  const phrase = match?.groups?.['np']
  if (value === undefined || phrase === undefined) return false
  if (
    /^(?:that|this|it|he|she|they|what|who|which|where|here|there|my|our|i|you|these|those)\b/iu.test(
      match?.groups?.['value'] ?? '',
    )
  )
    return false
  const topic = topicIn(reading, phrase)
  if (topic.subject === 'user' && isBeing(topic.attribute)) {
    if (!isProper(reading.plain.slice(value.start, value.end))) return false
    return tell(reading, clause, { subject: topic.attribute, attribute: 'name' }, value, 'list', 0.85)
  }
  return tell(reading, clause, topic, value, 'text', 0.85)
}

/** "we named the puppy Biscuit" */
const christening: Form = (reading, clause) => {
  const match =
    /^(?:i|we)(?:'ve| have)?\s+(?:just |finally |recently )?(?:named|called|christened|call|nicknamed)\s+(?:my|our|the|her|him)\s*(?<np>[\p{L}' -]{0,40}?)\s+(?<value>(?:"[^"]{1,40}"|\S+(?:\s\S+){0,3}))[.!\s]*$/diu.exec(
      clause.words,
    )
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  if (match === null || value === undefined) return false
  const subject = match.groups?.['np'] === '' ? reading.focus : topicOf(match.groups?.['np'] ?? '').attribute
  if (subject === undefined || subject === '') return false
  reading.focus = subject
  return tell(reading, clause, { subject, attribute: 'name' }, value, 'name', 0.9)
}

const isPet = (being: string) => being.split(' ').some((word) => PETS.has(word))

const MANY = '(?:an?|one|two|three|four|five|six|seven|\\d{1,2}|some|several|my|our)'
const HAVING = new RegExp(
  `^(?:i|we)?(?:'ve| have|'ve got| have got| got| just got| own| adopted| recently adopted| just adopted|ve got|'ve just got)*\\s*(?:have|got|own|adopted)?\\s*(?<many>${MANY})\\s+(?<np>(?:[\\p{L}-]+ ){0,3}?[\\p{L}-]+)(?<rest>[\\s,:(–-].*|[.!]*)$`,
  'diu',
)
const NAMED =
  /^\s*(?:[,:(–-]+\s*)?(?:(?:and )?(?:who (?:is|are) |who's |which is |that's )?(?:called|named)|(?:and |whose )?(?:(?:his|her|its|their|the) )?names? (?:is|are)|by the name of)?\s*(?<value>\S.*)$/diu

/** "I have two cats, Miso and Udon", "got a dog called Pretzel", "I have three kids" */
const having: Form = (reading, clause) => {
  const match = /\b(?:have|got|'ve|ve|own|adopted)\b/iu.test(clause.words.slice(0, 24))
    ? HAVING.exec(clause.words)
    : null
  const phrase = match?.groups?.['np']?.toLowerCase()
  const place = match === null ? undefined : groupSpan(match, 'np', clause.start)
  if (match === null || phrase === undefined || place === undefined) return false
  const words = phrase.split(' ').map((word) => spelled(word))
  if (!isBeing(words.at(-1) ?? '')) return false
  const being = [...words.slice(0, -1), singular(words.at(-1) ?? '')]
    .filter((word) => !/^(?:new|lovely|beautiful|wonderful|little|cute|old)$/u.test(word))
    .join(' ')
  reading.focus = being
  const rest = groupSpan(match, 'rest', clause.start)
  const named = rest === undefined ? null : NAMED.exec(reading.plain.slice(rest.start, rest.end))
  const value = named === null || rest === undefined ? undefined : groupSpan(named, 'value', rest.start)
  if (value !== undefined && isProper(reading.plain.slice(value.start, value.end))) {
    return tell(reading, clause, { subject: being, attribute: 'name' }, value, 'list', 0.9)
  }
  const many = groupSpan(match, 'many', clause.start)
  if (many === undefined || /^(?:an?|my|our|some)$/iu.test(match.groups?.['many'] ?? '')) {
    if (/\b(?:question|problem|doctor|dentist|teacher|friend|lawyer)\b/u.test(being)) return false
    return tell(
      reading,
      clause,
      user(isPet(being) ? 'pet' : being),
      { start: place.start, end: place.end },
      'text',
      0.6,
    )
  }
  return tell(reading, clause, user(`number of ${words.join(' ')}`), many, 'secret', 0.8)
}

/** "my train leaves at 6:42", "the meeting got moved to 11:15", "we changed the wifi password to beaver12" */
const scheduled: Form = (reading, clause) => {
  const moved =
    /^(?:(?:i|we|they)(?:'ve| have)? (?:just )?(?:changed|updated|reset|moved|switched|rescheduled|postponed) )?(?:my|our|the)\s+(?<np>[\p{L}' -]{2,50}?)(?:,? (?:has |have |had |is |was |got |been |now )*(?:changed|moved|rescheduled|postponed|updated|switched|pushed|brought forward|set))?(?: back| forward)? to (?<value>.+)$/diu.exec(
      clause.words,
    )
  const isMove =
    moved !== null &&
    /\b(?:changed|updated|reset|moved|switched|rescheduled|postponed|pushed|forward|set)\b/iu.test(moved[0])
  const match =
    (isMove ? moved : null) ??
    /^(?:my|our|the)\s+(?<np>[\p{L}' -]{2,50}?)\s+(?:leaves|departs|starts|begins|arrives|takes off|takes place|lands|expires|ends|runs out|closes|opens|boards)\s+(?:at|on|in)\s+(?<value>.+)$/diu.exec(
      clause.words,
    )
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  const phrase = match?.groups?.['np']
  if (value === undefined || phrase === undefined) return false
  if (!isMove && !/\d|day|noon|morning|evening|night/iu.test(reading.plain.slice(value.start, value.end))) return false
  const topic = topicIn(reading, phrase)
  if (topic.subject !== 'user' || isBeing(topic.attribute)) return false
  return tell(reading, { ...clause, corrects: clause.corrects || isMove }, topic, value, 'text', 0.8)
}

/** "customer number 5519-02 at the energy company" */
const numbered: Form = (reading, clause) => {
  const match =
    /^(?:my |our |the )?(?<np>(?:[\p{L}-]+ ){0,3}(?:number|code|pin|id|combination)) (?<value>[+#*(]?\d[^\s,;]*(?: \d[^\s,;]*){0,5})(?: (?:at|for|of|in) .*)?[.!]*$/diu.exec(
      clause.words,
    )
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  return (
    value !== undefined && tell(reading, clause, topicIn(reading, match?.groups?.['np'] ?? ''), value, 'secret', 0.8)
  )
}

const job: Form = (reading, clause) => {
  const match =
    /^(?:i(?:'ve| have)? (?:just )?(?:changed|switched) (?:jobs?|employers?|companies)|i have a new job|new job)\b[\s,:–-]*(?:i'?m |and (?:i'?m )?)?(?:now )?(?:at|with|for|working (?:at|for)|i work (?:at|for))\s+(?<value>.+)$/diu.exec(
      clause.words,
    )
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  return value !== undefined && tell(reading, { ...clause, corrects: true }, user('employer'), value, 'name', 0.85)
}

export const SPECIAL_FORMS: readonly Form[] = [
  simple(
    /^(?:you (?:can|could|may|should) )?(?:please )?(?:always |just )?call me\s+(?:by )?(?!on\b|at\b|back\b)(?<value>.+)$/diu,
    'name',
    'name',
    0.9,
    isNotPhrase,
  ),
  simple(
    /^(?:everyone|everybody|people|friends|my friends|most people|they|folks|all my friends)\s+(?:just )?calls? me\s+(?<value>.+)$/diu,
    'name',
    'name',
    0.9,
  ),
  simple(/^(?:it'?s|this is)\s+(?<value>\p{Lu}[\p{L}'-]+) (?:here|speaking)\b.*$/diu, 'name', 'name', 0.75, isProper),
  simple(/^(?<value>[\p{L}'-]+) here[.!,]?$/diu, 'name', 'name', 0.7, isProper),
  simple(
    /^(?:(?:you|they|u) can )?(?:please )?(?:call|ring|text|reach|phone|whatsapp|message|get) (?:me|us) (?:on|at|under|via)\s+(?<value>\+?[\d(].*?)(?: (?:after|before|between|any|during|if|in|from)\b.*)?$/diu,
    'phone number',
    'text',
    0.95,
    isNumber,
  ),
  simple(
    /^(?:(?:you|they|u) can )?(?:please )?(?:e-?mail|mail|write|reach|contact|message|get|find|send .{1,30}) (?:me |us |it )?(?:on|at|under|via|to)\s+(?:me at )?(?<value>\S+@\S+).*$/diu,
    'email',
    'name',
    0.95,
    isAddress,
  ),
  simple(
    /^(?:you (?:can )?find me on|i'm on) (?:insta(?:gram)?) (?:as|at|under)\s+(?<value>\S+).*$/diu,
    'instagram',
    'name',
    0.85,
  ),
  simple(
    /^(?<value>[^,;:]{2,60}?) (?:makes?|make) me (?:really |very |so |super |quite )*(?:ill|sick|sneeze|itch|itchy|swell up|break out.*|come out.*|puff up)[.!\s]*$/diu,
    'allergy',
    'text',
    0.8,
  ),
  simple(/^(?:i|we) (?:now )?go (?:to|for) (?<value>\p{L}+ing) .*$/diu, 'hobby', 'name', 0.6),
  simple(
    /^(?:people|friends|some|most|they|folks|colleagues)\s(?:people )?know me as\s+(?<value>.+)$/diu,
    'name',
    'name',
    0.85,
  ),
  simple(
    /^(?<value>[^,;:]{2,60}?) (?:gives?|give) me (?:hives|an? (?:bad )?rash|migraines|headaches|(?:a )?(?:stomach ?aches?|tummy ?aches?)|heartburn|the hives|anaphyla\p{L}+).*$/diu,
    'allergy',
    'text',
    0.8,
  ),
  simple(
    /^(?<value>[^,;:]{2,60}?) (?:is|are) (?:an? (?:absolute |total )?no-go|off limits|off the menu|poison) for me[.!\s]*$/diu,
    'cannot eat',
    'text',
    0.8,
  ),
  simple(/^(?<value>[\p{L} -]{2,40}?) allergy here[.!\s]*$/diu, 'allergy', 'text', 0.8),
  simple(/^(?:an? )?(?:big |huge |massive )?fan of (?<value>.+?)(?: here)?[.!\s]*$/diu, 'likes', 'list', 0.8),
  simple(
    /^(?<value>[^,;:]{2,60}?) (?:is|are) (?:totally |so |really )?(?:my (?:thing|jam|cup of tea|weakness|guilty pleasure|passion)|right up my street)[.!\s]*$/diu,
    'likes',
    'list',
    0.75,
    (said) => !/^(?:that|this|it|which)$/iu.test(said),
  ),
  simple(/^nothing beats (?<value>.+)$/diu, 'likes', 'text', 0.75),
  simple(
    /^(?<value>[^,;:]{2,60}?) (?:is|are) (?:disgusting|gross|revolting|the worst|not my thing|not for me|not my cup of tea)[.!\s]*$/diu,
    'dislikes',
    'text',
    0.6,
    (said) => !/^(?:that|this|it|he|she|they|you|my|the|your)\b/iu.test(said),
  ),
  simple(
    /^(?<value>\p{L}[\p{L}' -]{1,40}?) is (?:where (?:i|we) (?:now )?live|my home(?:town)?|home)(?: now)?[.!\s]*$/diu,
    'home',
    'name',
    0.8,
    (said) => isProper(said),
  ),
  simple(
    /^(?<value>\p{L}[\p{L}' -]{1,40}?) is where (?:i|we) (?:now )?work[.!\s]*$/diu,
    'employer',
    'name',
    0.8,
    (said) => isProper(said),
  ),
  simple(
    /^(?:my|the|our) (?:car|van|truck)(?:'s| is) (?:parked )(?:on|in|at) (?<value>.+)$/diu,
    'parking',
    'text',
    0.85,
  ),
  numbered,
  job,
  christening,
  having,
  scheduled,
  inverse,
]
