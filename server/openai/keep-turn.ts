/** Where a finished turn is kept: on disk, in the connection, or nowhere. */
import type { Base, LocalBases } from '../base.ts'
import { withEarlierPages, type SessionState } from '../checkpoint.ts'
import { commit, commitAhead } from '../commit.ts'
import type { Deps } from '../deps.ts'
import type { AcceptedEvent, DoneEvent } from '../engine/messages.ts'
import { callsFrom } from '../engine/prefill-calls.ts'
import { episodeOf } from '../memory/episode-of.ts'
import { embedTurn } from '../memory/memories.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { SecondReading } from '../second-reading.ts'
import { infoOf } from '../served-model.ts'
import type { Remembered, TurnRecord } from '../store/store.ts'
import { jsonText } from './json-text.ts'
import type { ResponseObject } from './response-render.ts'
import { sessionOf, type ReadMemory, type TurnOfMemory } from './turn-memory.ts'

/** What is kept of a response besides tokens and state. */
export interface ResponseDocument {
  readonly response: ResponseObject
  readonly input: readonly Record<string, unknown>[]
}

/** Whose turn it is. */
interface Keeper {
  readonly owner: string
  readonly signal: AbortSignal
  /** Responses of its connection that are not stored; null where they cannot be continued. */
  readonly local: LocalBases | null
}

type FinishedTurn = TurnOfMemory & ReadMemory

/** The reading that made the reply: its state is the turn's, unless the turn is read a second time. */
export interface FirstReading {
  readonly accepted: AcceptedEvent
  readonly done: DoneEvent
}

/** Resolves once the turn is where it belongs. The state of a second reading follows, where the turn can be stored without it. */
export async function keepTurn(
  deps: Deps,
  keeper: Keeper,
  turn: FinishedTurn,
  document: ResponseDocument,
  reading: FirstReading | SecondReading,
  told: TurnMemories | null,
  stored: boolean,
): Promise<void> {
  if (!stored) return keepLocally(keeper, turn, reading)
  const { id, base, model, conversation } = turn
  const { prefillChunk } = infoOf(model)
  const parent = base?.id ?? null
  const created = Math.floor(deps.now() / 1000)
  const place = { ...placeOf(turn), owner: keeper.owner, parent, created, prefillChunk, document: jsonText(document) }
  const read = turn.noted ? (turn.evidence?.entries ?? []).map(({ memory }) => memory.id) : []
  const turns = turn.noted ? turn.turns.map(({ response }) => response) : []
  const episode = episodeOf(turn.use, turn.said, told, turn.embedded, deps.now())
  const remembered = { told: told?.told ?? [], read, turns, episode, conversation: conversation?.read ?? null }
  if ('made' in reading) await storeSecond(deps, { ...place, ...fedAgain(turn, reading) }, reading, base, remembered)
  else {
    const { accepted, done } = reading
    if (!done.checkpoint) return
    const { position, pending, state } = done.checkpoint
    const { generated, calls, gates } = done
    const prefillCalls = callsFrom(accepted.prefix, done.prefillCalls)
    const fed = { prompt: accepted.prompt, generated, pending, position, prefillCalls, calls, gates }
    await commit(deps, { ...place, ...fed }, state, base, remembered)
  }
  if (episode?.text && !episode.made) void embedTurn(deps, keeper.owner, id, episode.text)
}

/** What follows a turn that is not stored cannot be rebuilt, and too many states must not follow their turns: these are waited for. */
async function storeSecond(
  deps: Deps,
  record: TurnRecord,
  reading: SecondReading,
  base: Base | null,
  remembered: Remembered,
): Promise<void> {
  if (base?.stored !== false && !deps.following.isFull) return commitAhead(deps, record, reading, base, remembered)
  const { state, prefillCalls } = await reading.made
  await commit(deps, { ...record, prefillCalls }, state, base, remembered)
}

type Fed = Pick<TurnRecord, 'prompt' | 'generated' | 'pending' | 'position' | 'prefillCalls' | 'calls' | 'gates'>

/** What a second reading feeds: everything is its prompt. */
function fedAgain({ job }: FinishedTurn, { accepted, position, pending }: SecondReading): Fed {
  const gates = job.gates ?? {}
  return { prompt: accepted.prompt, generated: [], pending, position, prefillCalls: null, calls: null, gates }
}

/** Keeps a turn in its connection; over HTTP nowhere. */
async function keepLocally(
  { local, signal }: Keeper,
  turn: FinishedTurn,
  reading: FirstReading | SecondReading,
): Promise<void> {
  if (!local) return
  const { id, base } = turn
  const { prompt } = reading.accepted
  const keep = (
    state: SessionState,
    position: number,
    pending: readonly number[],
    generated: readonly number[],
  ): void =>
    local.set(id, {
      ...placeOf(turn),
      tokens: [...prompt, ...generated],
      checkpoint: { state: withEarlierPages(state, base?.checkpoint.state ?? null), position, pending },
      resumed: { tier: 'connection', replayed: 0, rebuilt: null },
      stored: false,
      held: Promise.resolve(false),
      release: () => undefined,
    })
  if (!('made' in reading)) {
    const { checkpoint, generated } = reading.done
    if (checkpoint) keep(checkpoint.state, checkpoint.position, checkpoint.pending, generated)
    return
  }
  if (signal.aborted) reading.cancel()
  else signal.addEventListener('abort', reading.cancel, { once: true })
  const { state } = await reading.made
  keep(state, reading.position, reading.pending, [])
}

function placeOf(turn: FinishedTurn): Pick<TurnRecord, 'id' | 'root' | 'depth' | 'model' | 'bundle'> {
  const { id, base, model } = turn
  return { id, root: sessionOf(turn), depth: base ? base.depth + 1 : 0, model: model.name, bundle: model.bundle }
}
