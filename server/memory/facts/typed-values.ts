/** Values of a sentence by their kind: one of a later sentence can only take the place of one of its kind. */

export interface TypedValue {
  readonly kind: Kind
  readonly text: string
  readonly start: number
}

type Kind = 'email' | 'clock' | 'day' | 'date' | 'amount' | 'code' | 'number' | 'name'

const DAY = '(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sat|sun)(?:days?)?'
const MONTH =
  '(?:january|jan|february|feb|march|april|apr|may|june|jun|july|jul|august|aug|september|sept|sep|october|oct|november|nov|december|dec)'
const COUNT =
  'one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred'
const UNIT =
  'mg|mcg|ml|kg|kilos?|grams?|g|km|miles?|cm|m|days?|weeks?|months?|years?|hours?|minutes?|mins?|euros?|pounds?|quid|dollars?|percent|k'
const HALF = `(?:half past|quarter (?:past|to)|half) (?:${COUNT})`

/** In the order in which they are looked for: what one has taken is not part of another. */
const FORMS: readonly (readonly [Kind, RegExp])[] = [
  ['email', /[^\s@,;]+@[^\s@,;]+\.\p{L}{2,}/gu],
  [
    'date',
    new RegExp(
      `\\b(?:(?:the )?\\d{1,2}(?:st|nd|rd|th)?(?: of)? ${MONTH}|(?:early |mid |late )?${MONTH}(?: \\d{1,2}(?:st|nd|rd|th)?)?|\\d{1,2}(?:st|nd|rd|th)|\\d{1,2}[/.]\\d{1,2}[/.]\\d{2,4})\\b`,
      'giu',
    ),
  ],
  [
    'clock',
    new RegExp(`\\b(?:\\d{1,2}[:.]\\d{2}(?: ?[ap]\\.?m\\b)?|\\d{1,2} ?[ap]\\.?m\\b|${HALF}|noon|midnight)`, 'giu'),
  ],
  ['day', new RegExp(`\\b${DAY}\\b`, 'giu')],
  ['amount', new RegExp(`[£$€]\\d[\\d.,]*|\\b(?:\\d[\\d.,]*|${COUNT}) ?(?:${UNIT})\\b`, 'giu')],
  ['name', /(?<=[\p{L},;:'"-]\s+)\p{Lu}\p{Ll}+ \d{1,3}\b(?![:.]\d)/gu],
  ['code', /(?<![\p{L}\p{N}])(?=[^\s,;]*\d)(?=[^\s,;]*[\p{L}_#*-])[^\s,;!?"]*[^\s,;!?.":]/gu],
  [
    'number',
    new RegExp(
      `(?<![\\p{L}\\p{N}])(?:\\+?\\d[\\d().,/-]*(?: \\d[\\d()./-]*)*\\d|\\d|${COUNT})(?![\\p{L}\\p{N}])`,
      'giu',
    ),
  ],
  [
    'name',
    /(?<=[\p{L}\p{N},;:'"-]\s+)(?:Dr\.? |Mrs?\.? |Ms\.? )?\p{Lu}[\p{L}\p{M}'-]*(?:(?: (?:of|de|da|di|del|van|von)(?: (?:the|la|los|der|den))?)? (?:\p{Lu}[\p{L}\p{M}'-]*|\d+))*/gu,
  ],
]

/** The values of a sentence, the definite kinds first. */
export function typedValues(text: string): TypedValue[] {
  const found: TypedValue[] = []
  for (const [kind, form] of FORMS)
    for (const match of text.matchAll(form)) {
      const value = match[0].replace(/'s$/u, '')
      const isTaken = found.some(
        ({ text: other, start }) => start < match.index + value.length && match.index < start + other.length,
      )
      if (!isTaken && !/^(?:I|I'\p{L}+|OK|Ok|one)$/u.test(value)) found.push({ kind, text: value, start: match.index })
    }
  return found
}

/** Whether a value can take the place of one of another kind: "Friday" that of "the 3rd", "75" that of "50 mg". */
export function canReplace(next: Kind, old: Kind): boolean {
  return next === old || PAIRS.has(`${next} ${old}`)
}

const PAIRS: ReadonlySet<string> = new Set([
  'day date',
  'date day',
  'number amount',
  'amount number',
  'number clock',
  'clock number',
  'number code',
  'code number',
])
