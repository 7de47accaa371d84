import type { ValueKind } from '../values.ts'

/** What a predicate says of its subject. The group `value` of the pattern is the value, `more` that of a second one. */
export interface Predicate {
  readonly pattern: RegExp
  /** The topic's attribute; `$noun` takes the group `noun`. */
  readonly attribute: string
  readonly value: ValueKind
  readonly second?: { readonly attribute: string; readonly value: ValueKind }
  /** The value has to begin as a name does: a flag for letter case would hold for the whole pattern. */
  readonly isProper: boolean
  readonly confidence: number
}

/** Pattern of the whole predicate, attribute, kind of value, confidence, and what the group `more` is. BE stands for "am", "'s" and so on. */
export type PredicateRow = readonly [string, string, ValueKind, number, (readonly [string, ValueKind])?]

const BE =
  "(?:am|is|are|was|were|be|been|'m|'s|'re|m|s|has been|have been|'ve been)(?: (?:also|really|actually|now|just|still|currently|so|only|always))*"

const SPAN = 'for (?:\\p{L}+ |\\d+ )*(?:days|weeks|months|years|ages)'
/** Since when something is so: "I am vegan now", "for years". What was so for years is not. */
const LATELY = `(?:,? (?:now|right now|these days|nowadays|at the moment|again|${SPAN}|since .+))?`
const LONG_AGO = `(?!(?:was|were) .*\\b${SPAN}[.! ]*$)`

export function compiled(rows: readonly PredicateRow[]): Predicate[] {
  return rows.map(([pattern, attribute, value, confidence, second]) => ({
    pattern: new RegExp(`^${LONG_AGO}(?:${pattern.replaceAll(/\bBE\b/gu, BE)})${LATELY}[.!,;:… ]*$`, 'diu'),
    attribute,
    value,
    isProper: pattern.includes('(?<value>\\p{Lu}'),
    confidence,
    ...(second === undefined ? {} : { second: { attribute: second[0], value: second[1] } }),
  }))
}
