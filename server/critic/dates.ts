/** Dates and times of day as people write them, compared by what they say and not by how. */

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const WEEKDAYS = 'mon tue wed thu fri sat sun'.split(' ')
const ORDINALS =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first'.split(
    ' ',
  )

const MONTH =
  '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t(?:ember)?|ober|ember)?\\.?'
const DAY = `(\\d{1,2}(?:st|nd|rd|th)?|${ORDINALS.toReversed().join('|')})\\.?`
const YEAR = '(?:,?\\s(?:of\\s)?(\\d{4}))?'
const MONTH_DAY = new RegExp(`\\b${MONTH}\\s(?:the\\s)?${DAY}(?![\\d:])${YEAR}`, 'u')
const DAY_MONTH = new RegExp(`(?<![\\d:])${DAY}\\s(?:of\\s)?${MONTH}(?!\\p{L})${YEAR}`, 'u')
const MONTH_YEAR = new RegExp(`\\b${MONTH}(?!\\p{L})(?:\\s(?:of\\s)?(\\d{4}))?`, 'u')
const ISO = /(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)/u
/** With slashes, or with dots and a year: "1.82" is no date. */
const NUMERIC = /(?<![\d/])(\d{1,2})(?:\/(\d{1,2})(?:\/(\d{4}|\d{2}))?|\.(\d{1,2})\.(\d{4}))(?![\d/])/u
const WEEKDAY = /\b(mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday|s|rs?)?\b/u
const CLOCK =
  /(?<!\d)(?:(\d{1,2})[:.](\d{2})\s?([ap])\.?m\b|(\d{1,2}):(\d{2})(?!\d)|(\d{1,2})\s?([ap])\.?m\b|(noon|midnight))/u

/** What a date or time says; parts that it leaves open are absent. `minutes`: since midnight. */
export type Moment = Partial<Record<'year' | 'month' | 'day' | 'weekday' | 'minutes', number>>

/** The ways to read the first date and time of a folded text: none, one, or two of "05/03". */
export function momentsOf(text: string): Moment[] {
  const dates = datesOf(text)
  const rest: Moment = {}
  const weekday = WEEKDAY.exec(text)
  if (weekday) rest.weekday = WEEKDAYS.indexOf(weekday[1]!)
  const minutes = minutesOf(text)
  if (minutes !== undefined) rest.minutes = minutes
  if (dates.length > 0) return dates.map((date) => ({ ...date, ...rest }))
  return Object.keys(rest).length > 0 ? [rest] : []
}

/** `unclear` where only one of several readings agrees, or more is said than was told. */
export function compareMoments(told: readonly Moment[], said: readonly Moment[]): 'same' | 'different' | 'unclear' {
  const found = new Set(told.flatMap((one) => said.map((other) => compareReadings(one, other))))
  return found.size === 1 ? [...found][0]! : 'unclear'
}

function compareReadings(told: Moment, said: Moment): 'same' | 'different' | 'unclear' {
  const parts = Object.keys(said) as (keyof Moment)[]
  const shared = parts.filter((part) => told[part] !== undefined)
  if (shared.some((part) => told[part] !== said[part])) return 'different'
  return shared.length === parts.length ? 'same' : 'unclear'
}

function datesOf(text: string): Moment[] {
  const iso = ISO.exec(text)
  if (iso) return [{ year: Number(iso[1]), month: Number(iso[2]), day: Number(iso[3]) }]
  const numeric = NUMERIC.exec(text)
  if (numeric) return readingsOf(Number(numeric[1]), Number(numeric[2] ?? numeric[4]), numeric[3] ?? numeric[5])
  const first = MONTH_DAY.exec(text)
  if (first) return [dateOf(first[1]!, first[2], first[3])]
  const second = DAY_MONTH.exec(text)
  if (second) return [dateOf(second[2]!, second[1], second[3])]
  const month = MONTH_YEAR.exec(text)
  // A bare "may" or "mar" is a date only where it is all that is said.
  return month && (month[2] !== undefined || month[0] === text) ? [dateOf(month[1]!, undefined, month[2])] : []
}

/** "05/03" is the third of May to some, the fifth of March to others. */
function readingsOf(one: number, other: number, year: string | undefined): Moment[] {
  const known = year === undefined ? {} : { year: Number(year) + (year.length === 2 ? 2000 : 0) }
  const readings = [
    { day: one, month: other, ...known },
    { day: other, month: one, ...known },
  ].filter(({ day, month }) => day >= 1 && day <= 31 && month >= 1 && month <= 12)
  return one === other ? readings.slice(0, 1) : readings
}

function dateOf(month: string, day: string | undefined, year: string | undefined): Moment {
  const number = day === undefined ? undefined : ORDINALS.indexOf(day) + 1 || Number.parseInt(day, 10)
  return {
    month: MONTHS.indexOf(month) + 1,
    ...(number !== undefined && { day: number }),
    ...(year !== undefined && { year: Number(year) }),
  }
}

function minutesOf(text: string): number | undefined {
  const clock = CLOCK.exec(text)
  if (!clock) return undefined
  if (clock[8]) return clock[8] === 'noon' ? 720 : 0
  const half = clock[3] ?? clock[7]
  const hour = Number(clock[1] ?? clock[4] ?? clock[6])
  const minute = Number(clock[2] ?? clock[5] ?? 0)
  return (half === undefined ? hour : (hour % 12) + (half === 'p' ? 12 : 0)) * 60 + minute
}
