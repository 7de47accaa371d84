/** The same value in other writing, and values that look like another one. */
import type { Random } from '../../random.ts'
import { drawValue, type Kind, type Part } from '../notes/values.ts'
import { months } from '../notes/words.ts'

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const TENS = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')

/** A whole number in words; in digits from 100 on. */
export function inWords(n: number): string {
  if (n >= 100) return String(n)
  if (n < 20) return ONES[n]!
  return n % 10 === 0 ? TENS[Math.floor(n / 10)]! : `${TENS[Math.floor(n / 10)]}-${ONES[n % 10]}`
}

const ordinal = (n: number): string => {
  const ending = n % 100 > 10 && n % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${ending}`
}

const MONTH = months.join('|')
const DATES = [
  new RegExp(`^(?<month>${MONTH}) (?<day>\\d+)$`, 'u'),
  new RegExp(`^the (?<day>\\d+)th of (?<month>${MONTH})$`, 'u'),
  new RegExp(`^(?<day>\\d+) (?<month>${MONTH})(?<year> \\d{4})$`, 'u'),
  /^(?<year>\d{4})-(?<number>\d\d)-(?<day>\d\d)$/u,
]

/** The value as someone else may write it; itself where there is no other writing. */
export function rewritten(random: Random, value: string): string {
  if (/^\d{1,2}$/u.test(value)) return inWords(Number(value))
  const date = DATES.map((form) => form.exec(value)?.groups).find((found) => found !== undefined)
  if (date) return otherDate(random, date)
  const clock = /^(?<hour>\d{1,2})(?::(?<minute>\d\d))?(?: (?<half>am|pm))?$/u.exec(value)?.groups
  if (clock && (clock['minute'] ?? clock['half']) !== undefined) return otherClock(random, clock)
  if (/^[A-Z0-9]+[ -][A-Z0-9 -]+$/u.test(value) && /\d/u.test(value)) return respaced(random, value)
  const amount = /^(?<whole>\d{1,3})(?<thousands>\d{3})$/u.exec(value)?.groups
  if (amount && random.chance(0.3)) return `${amount['whole']},${amount['thousands']}`
  const plain = value.normalize('NFD').replaceAll(/\p{M}/gu, '')
  return random.chance(0.5) ? plain.toLowerCase() : plain
}

/** A code or a number of a phone with other separators, or none. */
function respaced(random: Random, value: string): string {
  const joined = value.replaceAll(/[ -]/gu, '')
  return random.pick([joined, value.replaceAll('-', ' '), value.replaceAll(' ', '-')])
}

function otherDate(random: Random, { month, number, day, year }: Record<string, string | undefined>): string {
  const name = month ?? months[Number(number) - 1]!
  const d = Number(day)
  const full = random.pick([
    `${name} ${d}`,
    `${d} ${name}`,
    `${name} ${ordinal(d)}`,
    `${ordinal(d)} ${name}`,
    `the ${ordinal(d)} of ${name}`,
  ])
  return year === undefined ? full : `${full}${random.pick([' ', ', '])}${year.trim()}`
}

function otherClock(random: Random, { hour, minute = '00', half }: Record<string, string | undefined>): string {
  const h = Number(hour)
  const m = Number(minute)
  if (h > 12) return `${h - 12}${m === 0 ? '' : `:${minute}`} ${random.pick(['pm', 'p.m.', 'in the evening'])}`
  if (half !== undefined && random.chance(0.5)) {
    const day = half === 'pm' ? (h % 12) + 12 : h % 12
    return `${day}:${minute}`
  }
  const time = half === 'am' ? ' in the morning' : half === 'pm' ? random.pick([' in the evening', ' pm']) : ''
  const next = (h % 12) + 1
  if (m === 0) return `${random.chance(0.5) ? inWords(h) : h}${time === '' ? " o'clock" : time}`
  if (m === 15) return `a quarter past ${inWords(h)}`
  if (m === 30) return `half past ${inWords(h)}`
  if (m === 45) return `a quarter to ${inWords(next)}`
  return `${h}:${minute}${half === undefined ? " o'clock" : ` ${half}`}`
}

const TRIES = 12
const folded = (value: string): string =>
  value
    .normalize('NFD')
    .replaceAll(/[\p{M}\s]/gu, '')
    .toLowerCase()

/** A value of the kind that is another one; one time in two it looks like it. */
export function otherValue(random: Random, kind: Kind, value: string, part: Part): string {
  for (let tries = 0; tries < TRIES; tries++) {
    const other = random.chance(0.5) ? lookalike(random, value) : drawValue(random, kind, part)
    if (folded(other) !== folded(value) && !folded(rewritten(random, other)).includes(folded(value))) return other
  }
  return `${value} ${random.between(2, 9)}`
}

/** With another digit, two digits or words changed round, a word or a part of one replaced. */
function lookalike(random: Random, value: string): string {
  const digits = [...value.matchAll(/\d/gu)].map(({ index }) => index)
  if (digits.length > 0) {
    const at = random.pick(digits)
    const next = value[at + 1]
    if (next !== undefined && /\d/u.test(next) && next !== value[at] && random.chance(0.4))
      return `${value.slice(0, at)}${next}${value[at]}${value.slice(at + 2)}`
    if (digits.length < 3 && random.chance(0.25))
      return `${value.slice(0, at)}${random.between(1, 9)}${value.slice(at)}`
    return `${value.slice(0, at)}${random.int(10)}${value.slice(at + 1)}`
  }
  const month = months.find((name) => value.includes(name))
  if (month !== undefined) return value.replace(month, random.pick(months))
  const words = value.split(' ')
  if (words.length > 1 && random.chance(0.5)) return words.with(random.int(words.length), random.pick(WORDS)).join(' ')
  const keep = Math.max(1, Math.floor(value.length * random.pick([0.4, 0.6, 0.8])))
  return `${value.slice(0, keep)}${random.pick(ENDS)}`
}

const WORDS = 'red,old,blue,west,lake,stone,night,river,silver,north,glass,wood,young,quick,gold'.split(',')
const ENDS = 'a,ia,er,ton,ley,ine,o,us,el,mann,sky,dale,ford,ine,ette,as,i'.split(',')
