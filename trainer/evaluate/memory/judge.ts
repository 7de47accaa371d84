/** Retrieval, assembly and answer of one question, each judged by exact match of the value. */
import { admitsIgnorance, holdsValue } from '../keeper-score.ts'
import type { Asked } from '../ask.ts'
import type { MemoryCase } from './case.ts'

export interface Judged {
  /** Place of the first memory that has the value, from 1; 0: none of those found has it; null: there is no value. */
  readonly rank: number | null
  /** Whether what the reply read has the value, and nothing that does not hold any more. */
  readonly isAssembled: boolean
  /** Whether the reply has the value and nothing stale; without a value, whether it says that it does not know. */
  readonly isRight: boolean
  /** Whether the reply has a value that does not hold any more. */
  readonly isStale: boolean
  readonly abstains: boolean
}

/** `found`: texts of the memories that a search for the question finds; `read`: of those that the reply has read. */
export function judge(
  { value, stale }: MemoryCase,
  found: readonly string[],
  read: readonly string[],
  { text }: Pick<Asked, 'text'>,
): Judged {
  // "I like penguins most of all animals" tells of the penguin.
  const holds = (text: string, one: string): boolean =>
    [one, `${one}s`].some((value) => holdsValue(folded(text), folded(value)))
  const hasStale = (text: string): boolean => stale.some((one) => holds(text, one))
  const hasValue = (text: string): boolean => value !== null && holds(text, value)
  // "It is 4072 now, not 4071" has both, and is no mistake.
  const misleads = read.some((one) => hasStale(one) && !hasValue(one))
  const abstains = DENIAL.test(text) || admitsIgnorance(text)
  const isStale = hasStale(text) && !hasValue(text)
  return {
    rank: value === null ? null : found.findIndex(hasValue) + 1,
    isAssembled: !misleads && (value === null || read.some(hasValue)),
    isRight: value === null ? abstains && !isStale : hasValue(text) && !isStale,
    isStale,
    abstains,
  }
}

/** How a model says that it was not told something. */
const DENIAL =
  /\b(?:haven't|have not|hasn't|has not|never|not)\s+(?:\w+\s+)?(?:told|mentioned|said|shared)\b|\b(?:not sure|no idea)\b/iu

const folded = (text: string): string => text.normalize('NFKC').toLowerCase()
