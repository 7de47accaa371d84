/** Continuing responses and rebuilding their states: the only place that asks both the engine and the store. */
import { randomBytes } from 'node:crypto'
import type { Base, LocalBases } from './base.ts'
import { withEarlierPages, type Checkpoint } from './checkpoint.ts'
import { holding, stateNotStored } from './commit.ts'
import type { Deps } from './deps.ts'
import { ApiError } from './openai/errors.ts'
import { submit } from './run-turn.ts'
import type { ServedModel } from './served-model.ts'
import { StoreError } from './store/errors.ts'
import type { Found, Rebuilt, RestoredFor, TurnRecord } from './store/store.ts'

/** A new id with 192 random bits. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('hex')}`
}

/** The response `id` of `owner`. Throws 404, the same for an unknown id and for another owner's. */
export async function findResponse(deps: Deps, owner: string, id: string): Promise<Found> {
  const found = await deps.store.find(owner, id)
  if (!found) throw notFound(id)
  return found
}

/** Where a turn on `id` starts from: this connection's memory, the server's, the disk, or a replay of pruned turns. */
export async function resume(
  deps: Deps,
  owner: string,
  id: string,
  local: LocalBases | null,
  signal: AbortSignal,
): Promise<Base> {
  const began = performance.now()
  await deps.following.settled(id)
  const near = local?.get(id) ?? resumeRecent(deps, owner, id)
  const base = near ?? (await resumeStored(deps, owner, id, signal))
  deps.metrics.resume.observe({ tier: base.resumed.tier }, (performance.now() - began) / 1000)
  return base
}

/** A response whose state is in memory: the store is told, and not waited for. */
function resumeRecent(deps: Deps, owner: string, id: string): Base | null {
  const found = deps.recent?.get(owner, id)
  if (!found) return null
  const { turn, state, continued } = found
  modelOf(deps, turn.bundle)
  if (continued) deps.metrics.forks.inc()
  const { position, pending } = turn
  const held = deps.store.hold(id).catch(() => false)
  const resumed = { tier: 'memory', replayed: 0, rebuilt: null } as const
  const checkpoint = { state, position, pending }
  return { ...turn, tokens: tokensOf(turn), checkpoint, resumed, stored: true, ...holding(deps, id, held) }
}

async function resumeStored(deps: Deps, owner: string, id: string, signal: AbortSignal): Promise<Base> {
  const found = await deps.store.find(owner, id)
  if (!found) {
    const message = `Previous response with id '${id.slice(0, 100)}' not found.`
    throw new ApiError(404, 'previous_response_not_found', message, { param: 'previous_response_id' })
  }
  if (found.continued) deps.metrics.forks.inc()
  const { record } = found
  const model = modelOf(deps, record.bundle)
  const { position, pending } = record
  const state = found.kept ? await loadState(deps, record, model) : null
  if (state) {
    const resumed = { tier: 'disk', replayed: 0, rebuilt: null } as const
    const checkpoint = { state, position, pending }
    const tokens = tokensOf(record)
    return { ...record, tokens, checkpoint, resumed, stored: true, ...holding(deps, id, Promise.resolve(true)) }
  }
  const { checkpoint, isHeld, ...rebuilt } = await rebuild(deps, model, record, signal, 'continued')
  const resumed = { tier: 'replay', ...rebuilt } as const
  const tokens = tokensOf(record)
  return { ...record, tokens, checkpoint, resumed, stored: true, ...holding(deps, id, Promise.resolve(isHeld)) }
}

/** The tokens of a turn itself. */
function tokensOf({ prompt, generated }: Pick<TurnRecord, 'prompt' | 'generated'>): number[] {
  return [...prompt, ...generated]
}

/** The model that made a state. Throws 400 where it is not served. */
function modelOf(deps: Deps, bundle: string): ServedModel {
  const model = deps.models.find((m) => m.bundle === bundle)
  if (model) return model
  deps.metrics.stateRejected.inc({ reason: 'model' })
  throw bundleMismatch(bundle, deps.models.map((m) => `${m.name} (${m.bundle.slice(0, 12)})`).join(', '))
}

/** A kept state, or null if it is damaged: it is rebuilt then. */
async function loadState(deps: Deps, record: TurnRecord, model: ServedModel): Promise<Checkpoint['state'] | null> {
  try {
    const state = await deps.store.load(record.id)
    const expected = model.info?.stateBytes ?? state?.fixed.length
    if (!state || state.fixed.length === expected) return state
    const sizes = { response: record.id, expected, bytes: state.fixed.length }
    deps.log.warn(sizes, 'a stored state does not have the size of its model; it is rebuilt')
    await deps.store.release(record.id)
  } catch (error) {
    if (!(error instanceof StoreError) || error.reason !== 'corrupt') throw error
  }
  deps.metrics.stateRejected.inc({ reason: 'checksum' })
  return null
}

/** Gives responses a state of their own again; false where one cannot have it. What cannot be rebuilt does not stand in the way of a deletion. */
export async function rebuildAll(
  deps: Deps,
  owner: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const dependant of ids) {
    try {
      const found = await deps.store.find(owner, dependant)
      const model = deps.models.find((m) => m.bundle === found?.record.bundle)
      if (found && !model) return false
      if (found && model) await rebuild(deps, model, found.record, signal, 'pinned')
    } catch (error) {
      const lost = error instanceof ApiError && error.code === 'checkpoint_lost'
      if (!lost && !(error instanceof StoreError && error.reason === 'corrupt')) throw error
      deps.log.warn({ response: dependant }, 'its memory cannot be rebuilt and is lost with the deletion before it')
      return false
    }
  }
  return true
}

interface RebuiltState {
  readonly checkpoint: Checkpoint
  readonly replayed: number
  readonly rebuilt: Rebuilt
  /** Whether the store holds it until it is released. */
  readonly isHeld: boolean
}

/** Rebuilds the state of a turn: replays what it was fed, from the nearest state before it. */
async function rebuild(
  deps: Deps,
  model: ServedModel,
  record: TurnRecord,
  signal: AbortSignal,
  use: Exclude<RestoredFor, 'followed'>,
): Promise<RebuiltState> {
  const lineage = await deps.store.lineage(record.id)
  if (!lineage || lineage.turns.some((turn) => turn.bundle !== model.bundle)) throw lost(record.id)
  let from = lineage.from
  for (const turn of lineage.turns) {
    from = await replay(deps, model, turn, from, signal)
    if (lineage.damaged.includes(turn.id)) await mend(deps, turn.id, from)
  }
  const checkpoint = from as Checkpoint
  const replayed = record.position - (lineage.from?.position ?? 0)
  const restoring = deps.store.restore(record.id, checkpoint.state, use)
  const restored = await restoring.catch((cause: unknown) => {
    if (use === 'pinned') throw cause
    // Not needed to go on: a full disk must not stop a session that can be read.
    stateNotStored(deps, record.id, cause)
    return null
  })
  const rebuilt = restored ?? 'unknown'
  deps.metrics.rebuilds.inc({ result: rebuilt })
  if (rebuilt === 'different') {
    const reason = 'another kind of CPU or another version of ONNX Runtime made the state that was pruned'
    deps.log.warn({ response: record.id, replayed }, `a rebuilt state differs in its last bits: ${reason}`)
  }
  return { checkpoint, replayed, rebuilt, isHeld: restored !== null && use === 'continued' }
}

/** Puts back the damaged state of a turn that was replayed on the way to a later one. */
async function mend(deps: Deps, id: string, { state }: Checkpoint): Promise<void> {
  try {
    deps.metrics.rebuilds.inc({ result: await deps.store.restore(id, state, 'followed') })
  } catch (cause) {
    stateNotStored(deps, id, cause)
  }
}

async function replay(
  deps: Deps,
  model: ServedModel,
  turn: TurnRecord,
  from: Checkpoint | null,
  signal: AbortSignal,
): Promise<Checkpoint> {
  const { owner, prefillChunk, prefillCalls, calls, gates, position, pending } = turn
  // The last token was sampled but never fed: it is among the pending ones.
  const steps = turn.generated.slice(0, -1)
  const prompt = { kind: 'ids', ids: turn.prompt } as const
  const job = { kind: 'replay', owner, from, prompt, prefillChunk, prefillCalls, steps, calls, gates } as const
  for await (const event of submit(deps, model, job, { signal })) {
    if (event.kind === 'error')
      throw new ApiError(500, event.code, 'The engine failed while it rebuilt a memory.', { cause: event.message })
    if (event.kind === 'done' && event.checkpoint)
      return { state: withEarlierPages(event.checkpoint.state, from?.state ?? null), position, pending }
  }
  throw new ApiError(499, 'cancelled', 'The request was cancelled.')
}

export function notFound(id: string): ApiError {
  const message = `Response with id '${id.slice(0, 100)}' not found.`
  return new ApiError(404, 'not_found', message, { param: 'response_id' })
}

function lost(id: string): ApiError {
  return new ApiError(
    500,
    'checkpoint_lost',
    `The memory of response '${id}' is damaged and cannot be rebuilt. Continue from an earlier response.`,
    { param: 'previous_response_id' },
  )
}

function bundleMismatch(bundle: string, served: string): ApiError {
  return new ApiError(
    400,
    'bundle_mismatch',
    `The previous response belongs to bundle ${bundle.slice(0, 12)}, which is not served here. Served: ${served}.`,
    { param: 'previous_response_id' },
  )
}
