/** The critic's verdicts as an output item of a response, and as one value of `metadata` for clients that drop unknown items. */
import type { SentenceVerdict } from '../critic/verdict.ts'

/** Limits of `metadata` in OpenAI's API. */
const MAX_PAIRS = 16
const MAX_VALUE = 512
/** The name of our value in `metadata`. */
export const VERIFICATION_KEY = 'mneme_verification'

/** Verdicts, or why there are none: what could not be checked is an error, never a verdict. */
export type Verification =
  | { readonly policy: string; readonly action: string; readonly verdicts: readonly SentenceVerdict[] }
  | { readonly error: { readonly code: string; readonly message: string } }

export interface VerificationItem {
  readonly id: string
  readonly type: 'mneme:verification'
  readonly status: 'completed' | 'failed'
  readonly [field: string]: unknown
}

/** The item; its indexes count UTF-16 units of the text that was checked, as annotations of OpenAI's do. */
export function verificationItem(id: string, verification: Verification): VerificationItem {
  const type = 'mneme:verification'
  if ('error' in verification) return { id, type, status: 'failed', error: verification.error }
  const { policy, action, verdicts } = verification
  return {
    id,
    type,
    status: 'completed',
    policy,
    action,
    result: overall(verdicts),
    verdicts: verdicts.map((one) => {
      const { verdict, invented, probability, facts, start, end } = one
      const annotations = facts.map((memory_id) => {
        return { type: 'memory_citation', memory_id, start_index: start, end_index: end }
      })
      return {
        start_index: start,
        end_index: end,
        verdict,
        invented,
        ...(probability !== undefined && { probability }),
        reason: reasonOf(one),
        annotations,
      }
    }),
  }
}

/** Why, without a word of the user: what is stored with a response stays when the memory that it rests on is deleted. */
export function reasonOf({ verdict, invented, facts }: SentenceVerdict): string {
  if (verdict === 'error') return 'it could not be checked: the encoder of the critic has failed'
  if (verdict === 'supported') return 'it is what the user told'
  if (verdict === 'contradicted')
    return facts.length > 0 ? 'the user told something else' : 'nothing that was told or remembered agrees with it'
  return invented ? 'the user has never told it' : 'it says nothing about the user, or no rule reads it'
}

/** One contradicted sentence makes a reply contradicted, one that could not be checked an error; it is supported where a sentence is, and none is invented. */
export function overall(verdicts: readonly SentenceVerdict[]): SentenceVerdict['verdict'] {
  if (verdicts.some(({ verdict }) => verdict === 'contradicted')) return 'contradicted'
  if (verdicts.some(({ verdict }) => verdict === 'error')) return 'error'
  const isSupported = verdicts.some(({ verdict }) => verdict === 'supported')
  return isSupported && !verdicts.some(({ invented }) => invented) ? 'supported' : 'unchecked'
}

/**
 * `metadata` with the verdicts: "contradicted; 1:supported 2:contradicted", of at most 512 characters. As it was where it has
 * 16 pairs already: what a client has put there is not dropped.
 */
export function withVerification(
  metadata: Readonly<Record<string, string>>,
  verification: Verification,
): Record<string, string> {
  const isFull = Object.keys(metadata).length >= MAX_PAIRS && !(VERIFICATION_KEY in metadata)
  return isFull ? { ...metadata } : { ...metadata, [VERIFICATION_KEY]: echoOf(verification) }
}

function echoOf(verification: Verification): string {
  if ('error' in verification) return bounded(`error: ${verification.error.code}: ${verification.error.message}`)
  const { verdicts } = verification
  const each = verdicts.map(({ verdict, invented }, at) => `${at + 1}:${verdict}${invented ? '(invented)' : ''}`)
  return bounded(`${overall(verdicts)}; ${each.join(' ')}`)
}

/** Cut between characters, never within one of two UTF-16 units. */
function bounded(text: string): string {
  if (text.length <= MAX_VALUE) return text
  return `${text.slice(0, MAX_VALUE - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}
