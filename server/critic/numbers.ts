/** Numbers in words and in digits, and quantities in units that can be converted. */

const UNITS: readonly (readonly [names: RegExp, dimension: string, factor: number])[] = [
  [/^(?:m|meters?|metres?)$/, 'length', 1],
  [/^(?:cm|centimet(?:er|re)s?)$/, 'length', 0.01],
  [/^(?:mm|millimet(?:er|re)s?)$/, 'length', 0.001],
  [/^(?:km|kilomet(?:er|re)s?|kms)$/, 'length', 1000],
  [/^(?:mi|miles?)$/, 'length', 1609.344],
  [/^(?:ft|foot|feet)$/, 'length', 0.3048],
  [/^(?:in|inch|inches)$/, 'length', 0.0254],
  [/^(?:kg|kgs|kilos?|kilograms?)$/, 'mass', 1],
  [/^(?:g|grams?)$/, 'mass', 0.001],
  [/^(?:lbs?|pounds?)$/, 'mass', 0.453_592_37],
  [/^(?:stone|st)$/, 'mass', 6.350_293_18],
  [/^(?:minutes?|mins?)$/, 'duration', 1],
  [/^(?:hours?|hrs?|h)$/, 'duration', 60],
  [/^days?$/, 'duration', 1440],
  [/^weeks?$/, 'duration', 10_080],
  [/^(?:euros?|eur|€)$/, 'euro', 1],
  [/^(?:dollars?|usd|\$|bucks)$/, 'dollar', 1],
]
/** Rounding of a conversion: 182 cm and 1.82 m, 70 kg and 154 pounds. */
const ROUNDING = 0.005

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
const WORDS = new RegExp(
  `\\b(?:(${TENS.join('|')})(?:[ -](${ONES.slice(1, 10).join('|')}))?|(${ONES.toReversed().join('|')}))\\b`,
  'gu',
)

/** A folded text with its numbers in digits, without separators of thousands. */
export function withDigits(text: string): string {
  return text
    .replaceAll(WORDS, (_, tens?: string, ones?: string, small?: string) =>
      String(
        small === undefined
          ? (TENS.indexOf(tens!) + 2) * 10 + (ones === undefined ? 0 : ONES.indexOf(ones))
          : ONES.indexOf(small),
      ),
    )
    .replaceAll(/(?<![\d.,])\d{1,3}(?:[,'’]\d{3})+(?![\d,])/gu, (number) => number.replaceAll(/\D/gu, ''))
}

/** Compares the quantities of two texts; undefined where one has none in a unit that is known. */
export function compareQuantities(told: string, said: string): 'same' | 'different' | 'unclear' | undefined {
  const [one, other] = [quantityOf(told), quantityOf(said)]
  if (!one || !other) return undefined
  if (one.dimension !== other.dimension) return 'different'
  return Math.abs(one.amount - other.amount) <= ROUNDING * Math.abs(one.amount) ? 'same' : 'different'
}

function quantityOf(text: string): { dimension: string; amount: number } | undefined {
  const found = [...text.matchAll(/([$€])?(?<![\d.,])(\d{1,12}(?:[.,]\d{1,6})?)\s?(\p{L}{1,12}|[€$])?/gu)]
  if (found.length !== 1) return undefined
  const [, before, number, after] = found[0]!
  const unit = UNITS.find(([names]) => names.test(before ?? after ?? ''))
  return unit && { dimension: unit[1], amount: Number(number!.replace(',', '.')) * unit[2] }
}
