/** Whether what a reply says is what was told: exact after folding case, accents, spacing and the forms of numbers and dates. */
import { MAX_SENTENCE } from '../memory/facts/sentences.ts'
import { compareMoments, momentsOf } from './dates.ts'
import { compareQuantities, withDigits } from './numbers.ts'

export type Likeness = 'same' | 'different' | 'unclear'

/** Letters that Unicode does not take apart into a letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = { ø: 'o', æ: 'ae', œ: 'oe', ß: 'ss', ł: 'l', đ: 'd', ı: 'i', ð: 'd' }

/** Words around a value that are not part of it. */
const LIGHT = new Set(
  'a an the my our your his her its their of in at on to for is are be been it that this and with as some about around just very really old years year number called named dr mr mrs ms color colour'.split(
    ' ',
  ),
)
const NUMBER = /\d+(?:[.,:/ -]\d+)*/gu
const EMAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gu

/** Lower case, without accents, with one kind of apostrophe, dash and space. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[øæœßłđıð]/gu, (letter) => LETTERS[letter]!)
    .replaceAll(/[’‘ʼ`´]/gu, "'")
    .replaceAll(/[‐‑‒–—]/gu, '-')
    .replaceAll(/\s+/gu, ' ')
    .trim()
}

/** The words of a text, folded, numbers in digits, plural endings cut; without those that carry no value. */
export function contentWords(text: string): string[] {
  return (withDigits(fold(text)).match(/[\p{L}\p{N}]+(?:['.@+_-][\p{L}\p{N}]+)*/gu) ?? [])
    .map((word) => word.replace(/'s$/u, ''))
    .filter((word) => !LIGHT.has(word))
    .map(stem)
}

/** How what is `said` compares to the value that was `told`. `unclear`: it says more, or can be read in two ways. */
export function compareValues(told: string, said: string): Likeness {
  if (told.length > MAX_SENTENCE) return told === said ? 'same' : 'unclear'
  const [one, other] = [withDigits(fold(told)), withDigits(fold(said))]
  const emails = [emailsOf(one), emailsOf(other)] as const
  if (emails[0].length > 0) return likeness(emails[0].join(' ') === emails[1].join(' '))
  if (compact(one) === compact(other)) return 'same'
  const moments = [momentsOf(one), momentsOf(other)] as const
  if (moments[0].length > 0 && moments[1].length > 0) return compareMoments(...moments)
  const quantities = compareQuantities(one, other)
  if (quantities !== undefined) return quantities
  const digits = [digitsOf(one), digitsOf(other)] as const
  if (digits[0] !== digits[1])
    return digits[1] === '' && subset(contentWords(said), contentWords(told)) ? 'unclear' : 'different'
  return compareWords(contentWords(told), contentWords(said))
}

/** True where a text has the value in it, whole and not as a piece of a longer word or number. */
export function mentions(text: string, value: string): boolean {
  if (value.length > MAX_SENTENCE) return text.includes(value)
  const [whole, part] = [` ${wordsOf(text)} `, wordsOf(value)]
  if (part !== '' && whole.includes(` ${part} `)) return true
  const emails = emailsOf(fold(value))
  if (emails.length > 0) return false
  const moments = momentsOf(withDigits(fold(value)))
  if (moments.length > 0) {
    const said = momentsOf(withDigits(fold(text)))
    return said.length > 0 && compareMoments(moments, said) === 'same'
  }
  const letters = part.replaceAll(/[^\p{L}\p{N}]/gu, '')
  // "KL 1187" and "KL1187". Shorter ones would be found in other numbers.
  if (!/\d/u.test(part) || letters.length < 4 || letters.length > 40) return false
  const spaced = new RegExp(`(?<![\\p{L}\\p{N}])${Array.from(letters).join('[ ().-]?')}(?![\\p{L}\\p{N}])`, 'u')
  return spaced.test(withDigits(fold(text)))
}

/** The number or e-mail address that a text has where the value has another one; undefined where either has none or several. */
export function otherNumber(value: string, text: string): string | undefined {
  const [told, said] = [withDigits(fold(value)), withDigits(fold(text))]
  for (const pattern of [EMAIL, NUMBER]) {
    const [one, other] = [told.match(pattern) ?? [], said.match(pattern) ?? []]
    if (one.length === 1 && other.length === 1) return one[0] === other[0] ? undefined : other[0]
  }
  return undefined
}

function compareWords(told: readonly string[], said: readonly string[]): Likeness {
  if (said.length === 0) return 'unclear'
  // "a Saab" of "an old Saab": less is said than was told, and nothing else.
  if (subset(said, told)) return 'same'
  return subset(told, said) && told.length > 0 ? 'unclear' : 'different'
}

function subset(some: readonly string[], all: readonly string[]): boolean {
  return some.every((word) => all.includes(word))
}

function likeness(isSame: boolean): Likeness {
  return isSame ? 'same' : 'different'
}

function emailsOf(text: string): string[] {
  return text.match(EMAIL) ?? []
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/gu, '')
}

/** "KL 1187" and "KL1187", "+47 912 34 567" and "+4791234567". */
function compact(text: string): string {
  return text.replaceAll(/[\s"“”().,!?+-]/gu, '')
}

function wordsOf(text: string): string {
  return (withDigits(fold(text)).match(/[\p{L}\p{N}]+(?:['.@+_-][\p{L}\p{N}]+)*/gu) ?? []).join(' ')
}

function stem(word: string): string {
  return /^\p{L}{3,}s$/u.test(word) && !word.endsWith('ss') ? word.slice(0, -1) : word
}
