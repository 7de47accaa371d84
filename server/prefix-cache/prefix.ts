/** A kept prefix: the state of a model that has read the beginning of a prompt. */
import type { CallRuns } from '../engine/prefill-calls.ts'
import type { SessionState } from '../checkpoint.ts'

export interface Prefix {
  /**
   * What the model was fed in the place of the prompt's first tokens; null: these tokens themselves. They differ where a
   * reply was sampled as other tokens than its text is encoded to, and by the last token of a reply, which is not fed.
   */
  readonly tokens: readonly number[] | null
  /** How many of the tokens the state has been fed. */
  readonly position: number
  /** The calls that fed them. */
  readonly calls: CallRuns
  /** Whether it ends inside a reply, before the reply's last token. */
  readonly afterReply: boolean
  /** All pages, from the first one on. */
  readonly state: SessionState
}

/** Whose prefixes they are: no other owner and no other bundle ever finds them. */
export interface Scope {
  readonly owner: string
  readonly bundle: string
}

/** A prefix of a prompt, and how many of the prompt's tokens it stands for. */
export interface PrefixHit {
  readonly prefix: Prefix
  readonly length: number
  readonly tier: 'memory' | 'disk'
}

/** The prompt as the model is fed it: with what was fed before in the place of the prefix. */
export function promptAfter({ prefix, length }: PrefixHit, prompt: readonly number[]): readonly number[] {
  return prefix.tokens ? [...prefix.tokens, ...prompt.slice(length)] : prompt
}
