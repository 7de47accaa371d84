/** The part of a user's sentence that is quoted: what does not hold any more is left out. */
import { clausesOf } from '../memory/facts/clauses.ts'
import { plainOf } from '../memory/facts/plain.ts'
import { mentions } from './compare-values.ts'

/** "It's Leeds, not Bath": where what does not hold begins. */
const INSTEAD_OF = /[\s,;(–-]+(?:(?:and |but )?not|instead of|rather than|no longer|from)\s/iu

/**
 * The sentence, or where it names a value that does not hold any more, the clause that has `value`, or else the value alone.
 * All of them are the user's words.
 */
export function withoutStale(text: string, value: string | null, stale: readonly string[]): string {
  const isStale = (part: string): boolean =>
    stale.some((old) => mentions(part, old) && (value === null || !mentions(value, old)))
  if (!isStale(text)) return text
  const has = (part: string): boolean => value === null || mentions(part, value)
  const whole = { text, start: 0, end: text.length }
  const clauses = clausesOf(plainOf(text), whole).map(({ start, end }) => text.slice(start, end))
  const parts = [...clauses, ...clauses.map((clause) => clause.split(INSTEAD_OF)[0]!)]
  const held = parts.find((part) => part.trim() !== '' && has(part) && !isStale(part))
  return (held ?? value ?? text).replace(/^[\s,;:–-]+|[\s,;:–-]+$/gu, '')
}
