/** How much a turn of a user matters, as far as that is known without a model. */
import { wordsOf } from './words.ts'

/** What a turn's user told. */
export interface Told {
  /** Facts that rules have read. */
  readonly facts: number
  /** Memories that do not hold any more since. */
  readonly corrections: number
}

/** Milliseconds in which a turn that nobody reads loses all but 1/e of its importance. */
const LIFETIME_MS = 30 * 24 * 60 * 60 * 1000

/** Words from which on a text is no longer more important for being longer. */
const LONG = 50

/** 0.1 to 1: more for facts, corrections, numbers, names and length. */
export function importanceOf(text: string, { facts, corrections }: Told): number {
  const words = wordsOf(text)
  const names = text.match(/(?<=[\p{Ll},;] )\p{Lu}\p{Ll}+/gu) ?? []
  const parts = [
    facts > 0 ? 0.3 : 0,
    corrections > 0 ? 0.2 : 0,
    words.some((word) => /\d/u.test(word)) ? 0.15 : 0,
    names.length > 0 ? 0.15 : 0,
    0.1 * Math.min(1, words.length / LONG),
  ]
  return 0.1 + parts.reduce((sum, part) => sum + part, 0)
}

/**
 * What evictions go by: importance x (1 + reads) x exp(-age / lifetime), as a logarithm without the time of asking, which is the
 * same for all: so it need not be written again as time passes.
 */
export function retentionOf(importance: number, reads: number, created: number): number {
  return Math.log(importance * (1 + reads)) + created / LIFETIME_MS
}
