import type { Fact } from './fact.ts'
import { add, groupSpan, type Clause, type Reading } from './reading.ts'
import { holdsMany } from './supersede.ts'
import { shapeOf, valueSpan, type Span } from './values.ts'

/** How a correction names the new value alone, and the old one beside it. */
const FORMS: readonly RegExp[] = [
  /^(?:it'?s|it is|that'?s|is|make (?:that|it)|should(?: have)? be(?:en)?|it should(?: have)? be(?:en)?|i meant|i mean|meant|rather)?\s*(?:actually |now |really |spelled |spelt |rather )*not\s+(?<old>[^,;]{1,80}?)\s*(?:[,;–-]+\s*(?:but |it'?s |i meant )?|\s+but (?:it'?s |rather )?)(?<value>.+)$/diu,
  /^(?:it'?s|it is|that'?s|is|make (?:that|it)|should(?: have)? be(?:en)?|it should(?: have)? be(?:en)?|i meant(?: to (?:say|write|type))?|i mean|meant|rather|to)?\s*(?:actually |now |really |spelled |spelt |rather )*(?<value>\S.{0,100}?),?\s+(?:and not|not|instead of|rather than)\s+(?<old>.+)$/diu,
  /^(?:it'?s|it is|that'?s|make (?:that|it)|should(?: have)? be(?:en)?|it should(?: have)? (?:be(?:en)?|say)|i meant(?: to (?:say|write|type))?|i mean|meant|rather|it'?s now|they'?re|he'?s|she'?s)\s+(?:actually |now |really |spelled |spelt |called |supposed to be |changed to )*(?<value>.+)$/diu,
]
const BARE = /^(?<value>[^\s,;]+(?: [^\s,;]+){0,4})[.!\s]*$/du
const NO_VALUE =
  /^(?:fine|ok|okay|good|right|wrong|true|false|cool|great|nice|all|nothing|it|that|this|you|sure|so|a lot|the same|not|because|just|my|very|too|really|funny|fun|raining|late|complicated|time|me|about|like|what|how|why|who|i|thanks|thank|yes|no|please|never|maybe|hard|easy|interesting|weird|ready|done|possible|impossible|better|worse|bad|hot|cold|for|up|in|on|over|your)\b/iu

/** "no, it's 4072": a value alone takes the topic of the fact told last that looks like it. */
export function readCorrection(reading: Reading, clause: Clause, isCorrecting: boolean): boolean {
  const gone = reading.facts.at(-1)
  if (gone?.kind === 'withdrawn' && gone.value !== '' && readInstead(reading, clause, gone)) return true
  const known = [...reading.recent, ...reading.facts].filter((fact) => fact.kind !== 'withdrawn')
  if (known.length === 0) return false
  for (const form of [...FORMS, ...(isCorrecting ? [BARE] : [])]) {
    const match = form.exec(clause.words)
    const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
    if (match === null || value === undefined || NO_VALUE.test(match.groups?.['value'] ?? '')) continue
    const old = match.groups?.['old']
    const saysNow =
      /\bnow\b|^(?:it|that)'?s (?:spelled|spelt|written|pronounced)\b|^(?:make (?:that|it)|(?:it |that )?should|i meant?\b|meant)/iu.test(
        clause.words,
      ) || clause.corrects
    if (old === undefined && !isCorrecting && !saysNow) continue
    const kept = old === undefined ? undefined : withValue(known, old)
    if (old !== undefined && kept === undefined && !isCorrecting) continue
    if (replace(reading, clause, value, kept ?? known)) return true
  }
  return false
}

/** "I'm not allergic to peanuts, it's cashews": the value that holds stands in the next clause. */
function readInstead(reading: Reading, clause: Clause, gone: Fact): boolean {
  const match =
    /^(?:but\s+|it'?s\s+|i mean\s+|rather\s+|to\s+)+(?:now |actually |rather |to )*(?<value>[^,;]{1,80})$/diu.exec(
      clause.words,
    )
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  const place = value === undefined ? undefined : valueSpan(reading.plain, value, 'text')
  if (place === undefined || gone.sentence !== clause.sentence) return false
  add(reading, clause, gone, reading.text.slice(place.start, place.end), holdsMany(gone) ? 'told' : 'corrected', 0.8)
  return true
}

/** The facts with the old value, which the correction names. */
function withValue(known: readonly Fact[], old: string): readonly Fact[] | undefined {
  const bare = old.toLowerCase().replaceAll(/^(?:an?|the)\s|[.!?\s]+$/gu, '')
  const found = known.filter((fact) => fact.value.toLowerCase() === bare)
  const within =
    found.length > 0 || bare.length < 3 ? found : known.filter((fact) => fact.value.toLowerCase().includes(bare))
  return within.length === 0 ? undefined : within
}

const FAMILY: Readonly<Record<string, string>> = {
  code: 'number',
  phone: 'number',
  day: 'date',
  time: 'time',
  email: 'email',
}

/** Somebody or something, and what it does: no value. */
const SAYS =
  /^\p{Lu}[\p{L}'’-]*(?: \p{Lu}[\p{L}'’-]*)? (?:is|are|was|were|has|had|will|can|\p{Ll}{2,}ed|turns|goes|went|got|gets|comes|came|lives|works|likes|loves|hates|wants|needs|takes|took|said|says) /u

function replace(reading: Reading, clause: Clause, span: Span, known: readonly Fact[]): boolean {
  const place = valueSpan(reading.plain, withoutRemark(reading.plain, span), 'text')
  if (place === undefined) return false
  const value = reading.text.slice(place.start, place.end)
  // "use 4071 for the door code" names a topic of its own.
  if (/\s(?:for|as) (?:the|my|our) \p{L}/iu.test(value)) return false
  const shape = shapeOf(value)
  const family = (of: string) => FAMILY[of] ?? of
  const rival =
    known.findLast((fact) => shapeOf(fact.value) === shape) ??
    known.findLast((fact) => family(shapeOf(fact.value)) === family(shape)) ??
    // A time may stand beside its day, a new name may be written small.
    (/^(?:day|date|time)$/u.test(shape)
      ? known.findLast((fact) => /^(?:day|date|time)$/u.test(shapeOf(fact.value)))
      : undefined) ??
    (/^(?:name|text)$/u.test(shape)
      ? known.findLast((fact) => /^(?:name|text)$/u.test(shapeOf(fact.value)))
      : undefined)
  if (rival === undefined || rival.value === value) return false
  // "Actually Zosia turned 15" says something else, and no other name.
  if (SAYS.test(value) && !SAYS.test(rival.value)) return false
  // Of several values only the one that is corrected goes.
  if (holdsMany(rival)) add(reading, clause, rival, rival.value, 'withdrawn', 0.8)
  add(reading, clause, rival, value, holdsMany(rival) ? 'told' : 'corrected', 0.8)
  return true
}

/** "Hannah with an h": how it is spelled is no part of it. */
function withoutRemark(plain: string, span: Span): Span {
  const remark =
    /,?\s(?:with (?:an?|two|one|double) \p{L}{1,8}\b|at the end|sorry|my (?:bad|mistake)|of course|obviously|, not)/iu.exec(
      plain.slice(span.start, span.end),
    )
  return remark === null ? span : { start: span.start, end: span.start + remark.index }
}
