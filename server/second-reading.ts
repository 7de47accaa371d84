/** The second reading of a turn: the state goes on from the user's text and what was served, without notes. */
import type { AcceptedEvent, DoneEvent } from './engine/messages.ts'
import type { Deps } from './deps.ts'
import { ApiError } from './openai/errors.ts'
import { submit, type NewTurn } from './run-turn.ts'
import type { ServedModel } from './served-model.ts'

export interface SecondReading {
  readonly accepted: AcceptedEvent
  /** Its checkpoint is the turn's: of the reply's tokens all but the pending ones have been fed, as part of the prompt. */
  readonly done: DoneEvent
  /** Tokens that were computed for it. */
  readonly computed: number
  readonly milliseconds: number
}

/** Feeds the turn without notes, then its reply, or the text that was served in its place. Throws ApiError. */
export async function readAgain(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  first: DoneEvent,
  served: string | null,
  signal: AbortSignal,
): Promise<SecondReading> {
  const began = performance.now()
  const { prompt } = turn
  // The last token of a reply is its end, which the next turn feeds.
  const pending = (first.checkpoint?.pending ?? []).slice(served === null ? 0 : -1)
  if (prompt.kind !== 'chat') throw new TypeError('a turn with notes: expected a chat')
  const job: NewTurn = {
    ...turn,
    prompt: { ...prompt, reply: served ?? first.generated.slice(0, -1) },
    choices: 1,
    maxTokens: 0,
    leastTokens: 0,
    drafts: null,
    keep: true,
  }
  let accepted: AcceptedEvent | null = null
  for await (const event of submit(deps, model, job, { signal })) {
    if (event.kind === 'error')
      throw new ApiError(500, event.code, 'The engine failed while it read the turn again.', { cause: event.message })
    if (event.kind === 'accepted') accepted = event
    if (event.kind !== 'done' || !event.checkpoint || !accepted) continue
    const carried = turn.from?.pending.length ?? 0
    const computed = carried + accepted.prompt.length - (accepted.prefix?.cached ?? 0)
    const milliseconds = performance.now() - began
    return { accepted, done: { ...event, checkpoint: { ...event.checkpoint, pending } }, computed, milliseconds }
  }
  throw new ApiError(499, 'cancelled', 'The request was cancelled.')
}
