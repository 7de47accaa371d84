/** Where states are handed out: at ends of calls where the next prompt is likely to part from this one. */
import type { Job } from './messages.ts'
import { endsMessage } from './prefill-calls.ts'
import { nextPrefill, type PromptSequence } from './sequence.ts'

/** Tokens from one state to the next, but for the ends of the first and the last message: a state may take tens of megabytes. */
const LEAST_TOKENS = 64
/** Tokens after which a state is handed out inside a long message. */
const MOST_TOKENS = 2048

/** Whether states of the job are handed out. */
export function handsOut(job: Job): boolean {
  return job.kind === 'turn' && job.whole !== null && job.whole.snapshots
}

/** Whether the state of a prompt is to be handed out now, after a call. */
export function snapshotDue(prompt: PromptSequence): boolean {
  const { job, tokens, prefilled, snapshotAt, lastMessageEnd, messageEnds } = prompt
  // The whole prompt's own state is of no use for the same prompt: its last token has to be computed for the logits.
  if (!handsOut(job) || prefilled === tokens.length) return false
  // What a template writes before a reply often differs from what it writes there once the reply is history.
  if (prefilled === lastMessageEnd) return true
  // Other conversations begin with the same system message, however short it is.
  if (snapshotAt === 0 && endsMessage(tokens, prefilled, messageEnds)) return true
  const since = prefilled - snapshotAt
  if (since < LEAST_TOKENS) return false
  if (since >= MOST_TOKENS || endsMessage(tokens, prefilled, messageEnds)) return true
  // Of a prompt whose messages are not known: before the last call.
  return prefilled > lastMessageEnd && prefilled + nextPrefill(prompt) === tokens.length
}
