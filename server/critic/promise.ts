/** Replies that promise to remember: they are right only where something was written. */
import type { TurnMemories } from '../memory/told.ts'
import type { SentenceVerdict } from './verdict.ts'

const PROMISE =
  /\b(?:i(?:'ll| will| shall)|i(?:'ve| have)) (?:\w+ )?(?:remember|keep|note|noted|saved?|store[d]?|remembered)\b(?! (?:any|no)thing)/iu

/** The verdict on a sentence that promises to remember; null for any other. */
export function promiseOf(verdict: SentenceVerdict, told: TurnMemories | null): SentenceVerdict | null {
  if (!PROMISE.test(verdict.text.slice(0, 200))) return null
  const facts = told?.written.map(({ id }) => id) ?? []
  if (facts.length > 0) return { ...verdict, verdict: 'supported', facts, reason: 'it was remembered', invented: false }
  return {
    ...verdict,
    verdict: 'contradicted',
    facts: [],
    reason: 'nothing of this turn was remembered',
    invented: false,
  }
}
