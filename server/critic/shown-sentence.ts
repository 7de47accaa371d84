/** The part of a user's sentence that is quoted: what does not hold any more is left out. */
import { clausesOf } from '../memory/facts/clauses.ts'
import { plainOf } from '../memory/facts/plain.ts'
import { contentWords, mentions } from './compare-values.ts'

/** "It's Leeds, not Bath": where what does not hold begins. */
const INSTEAD_OF = /[\s,;(–-]+(?:(?:and |but )?not|instead of|rather than|no longer|from)\s/iu
const LINKED = /\s+(?:so|but)\s+|[,;–]\s*/u

/**
 * The sentence. Where it corrects, or names a value that does not hold any more: its part that has `value`, or else the value alone.
 * All of them are the user's words. `isCorrection`: it corrects something that is not known.
 */
export function withoutStale(
  text: string,
  value: string | null,
  stale: readonly string[],
  isCorrection = false,
): string {
  const own = new Set(value === null ? [] : contentWords(value))
  const old = new Set(stale.flatMap(contentWords).filter((word) => !own.has(word)))
  const isStale = (part: string): boolean => contentWords(part).some((word) => old.has(word))
  if (value === null || !(isStale(text) || INSTEAD_OF.test(text) || isCorrection)) return text
  const whole = { text, start: 0, end: text.length }
  const clauses = clausesOf(plainOf(text), whole).map(({ start, end }) => text.slice(start, end))
  const pieces = text.split(LINKED)
  const parts = [...clauses, ...pieces, ...[...clauses, ...pieces].map((part) => part.split(INSTEAD_OF)[0]!)]
  const held = parts.find((part) => part.trim() !== '' && mentions(part, value) && !isStale(part))
  return (held ?? value).replace(/^[\s,;:–-]+|[\s,;:–-]+$/gu, '')
}
