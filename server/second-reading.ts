/** The second reading of a turn: the state goes on from the user's text and what was served, without notes. */
import type { SessionState } from './checkpoint.ts'
import type { AcceptedEvent, DoneEvent } from './engine/messages.ts'
import { callsFrom, type CallRuns } from './engine/prefill-calls.ts'
import type { Deps } from './deps.ts'
import { ApiError } from './openai/errors.ts'
import { submit, type NewTurn, type TurnEvent } from './run-turn.ts'
import type { ServedModel } from './served-model.ts'

/** What a turn was fed, but for its state. Of the reply's tokens all but the pending ones are part of the prompt. */
export interface SecondReading {
  readonly accepted: AcceptedEvent
  readonly position: number
  readonly pending: readonly number[]
  /** Tokens that are computed for it. */
  readonly computed: number
  /** Rejects with ApiError. */
  readonly made: Promise<ReadState>
  /** Its state is not needed any more. */
  readonly cancel: () => void
}

/** The state after a second reading, and all calls that have fed its prompt; null unless it began its conversation. */
export interface ReadState {
  readonly state: SessionState
  readonly prefillCalls: CallRuns | null
}

/**
 * Feeds the turn without notes, then its reply, or the text that was served in its place. Resolves once it is known what
 * is fed; the state follows. Throws ApiError.
 */
export async function readAgain(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  first: DoneEvent,
  served: string | null,
): Promise<SecondReading> {
  const began = performance.now()
  const { prompt } = turn
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
  const gone = new AbortController()
  const events = eventsOf(deps, model, job, gone.signal)
  const accepted = (await events.next()).value
  if (accepted?.kind !== 'accepted') throw new ApiError(499, 'cancelled', 'The request was cancelled.')
  const { position: before, pending: carried } = turn.from ?? { position: 0, pending: [] }
  const position = before + carried.length + accepted.prompt.length
  const made = stateOf(events, position, accepted.prefix).then((read) => {
    deps.metrics.secondReading.observe((performance.now() - began) / 1000)
    return read
  })
  made.catch(() => undefined) // who waits for it is told
  return {
    accepted,
    position,
    // The last token of a reply is its end, which the next turn feeds.
    pending: (first.checkpoint?.pending ?? []).slice(served === null ? 0 : -1),
    computed: carried.length + accepted.prompt.length - (accepted.prefix?.cached ?? 0),
    made,
    cancel: () => gone.abort(),
  }
}

async function* eventsOf(
  deps: Deps,
  model: ServedModel,
  job: NewTurn,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, undefined> {
  for await (const event of submit(deps, model, job, { signal })) {
    if (event.kind === 'error')
      throw new ApiError(500, event.code, 'The engine failed while it read the turn again.', { cause: event.message })
    yield event
  }
  return undefined
}

async function stateOf(
  events: AsyncGenerator<TurnEvent>,
  position: number,
  prefix: AcceptedEvent['prefix'],
): Promise<ReadState> {
  for await (const event of events) {
    if (event.kind !== 'done' || !event.checkpoint) continue
    const { checkpoint, prefillCalls } = event
    if (checkpoint.position !== position)
      throw new Error(`a second reading: expected ${position} tokens, got ${checkpoint.position}`)
    return { state: checkpoint.state, prefillCalls: callsFrom(prefix, prefillCalls) }
  }
  throw new ApiError(499, 'cancelled', 'The request was cancelled.')
}
