/** Tokens as OpenAI's log-probability lists have them. */
import type { TokenLogprob, TokenText } from '../engine/messages.ts'
import { tokenString } from './token-string.ts'

interface LogprobEntry {
  readonly token: string
  readonly bytes: number[]
  readonly logprob: number
}

/** A token with its alternatives. */
export function entryOf(token: TokenLogprob): LogprobEntry & { top_logprobs: LogprobEntry[] } {
  return { ...logprobEntry(token), top_logprobs: token.top.map(logprobEntry) }
}

function logprobEntry({ bytes, logprob }: TokenText): LogprobEntry {
  return { token: tokenString(bytes), bytes: [...bytes], logprob }
}
