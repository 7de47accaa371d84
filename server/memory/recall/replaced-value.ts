/** Which value of a later sentence can stand for one of an earlier: of its kind, or nearly written as it. */
import { canReplace, typedValues, type TypedValue } from '../facts/typed-values.ts'
import { isCommon } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { isKnownWord } from './word-vectors.ts'

/** A value of the later sentence, and the one of the earlier that it can replace; `isFramed`: the same word stands before both. */
export function replacedValue(
  values: readonly TypedValue[],
  said: string,
  text: string,
): { readonly value: TypedValue; readonly isFramed: boolean } | null {
  const olds = typedValues(said)
  const fold = (one: string): string => ` ${wordsOf(one).join(' ')} `
  for (const value of values) {
    if (fold(said).includes(fold(value.text))) continue
    const old = olds.find((one) => canReplace(value.kind, one.kind) && !fold(text).includes(fold(one.text)))
    if (!old) continue
    const lead = (of: string, { start }: TypedValue): string => wordsOf(of.slice(0, start)).at(-1) ?? ''
    const tail = (of: string, { start, text: own }: TypedValue): string =>
      wordsOf(of.slice(start + own.length))[0] ?? ''
    const [a, b] = [lead(said, old), lead(text, value)]
    const [c, d] = [tail(said, old), tail(text, value)]
    const isFramed = (a !== '' && a === b && !isCommon(a)) || (c !== '' && c === d)
    return { value, isFramed }
  }
  return null
}

/** "4417" after "4471", "Sangita" after "Sangeetha": a word that is nearly one of before and no other word. */
export function isRespelled(
  old: readonly string[],
  own: readonly string[],
  isTold: (word: string) => boolean,
): boolean {
  return old.some((before) =>
    own.some((word) => {
      if (isTold(word) || Math.min(word.length, before.length) < 3) return false
      if (/^\d+$/u.test(word) && /^\d+$/u.test(before))
        return word.length === before.length && word.length >= 4 && distance(word, before) <= 2
      if (isKnownWord(word) && isKnownWord(before)) return false
      return (
        word.length >= 4 && word[0] === before[0] && distance(word, before) <= Math.max(1, Math.floor(word.length / 3))
      )
    }),
  )
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
