/** Continuing, storing and deleting responses: the only place that knows both the engine and the store. */
import { randomBytes } from 'node:crypto'
import type { Base, LocalBases } from './base.ts'
import type { Deps } from './deps.ts'
import type { Checkpoint } from './engine/messages.ts'
import { CHUNK } from './engine/runner.ts'
import { ApiError } from './openai/errors.ts'
import { submit } from './run-turn.ts'
import type { ServedModel } from './served-model.ts'
import type { Found, Lineage, TurnRecord } from './store/records.ts'

/** A new id with 192 random bits. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('hex')}`
}

/** The response `id` of `owner`. Throws 404, the same for an unknown id and for another owner's. */
export async function findResponse(deps: Deps, owner: string, id: string): Promise<Found> {
  const found = await deps.store.find(owner, id)
  if (!found)
    throw new ApiError(404, 'not_found', `Response with id '${id.slice(0, 100)}' not found.`, { param: 'response_id' })
  return found
}

/** Where a turn on `id` starts from: this connection's memory, the disk, or a replay of pruned turns. */
export async function resume(
  deps: Deps,
  owner: string,
  id: string,
  local: LocalBases | null,
  signal: AbortSignal,
): Promise<Base> {
  const began = performance.now()
  const observe = (tier: string): void => deps.metrics.resume.observe({ tier }, (performance.now() - began) / 1000)
  const near = local?.get(id)
  if (near) {
    observe('connection')
    return near
  }
  const found = await deps.store.find(owner, id)
  if (!found) {
    throw new ApiError(
      404,
      'previous_response_not_found',
      `Previous response with id '${id.slice(0, 100)}' not found.`,
      {
        param: 'previous_response_id',
      },
    )
  }
  if (found.continued) deps.metrics.forks.inc()
  const { record, state } = found
  const base = (checkpoint: Checkpoint): Base => ({ ...record, checkpoint })
  const model = deps.models.find((m) => m.bundle === record.bundle)
  if (!model) {
    deps.metrics.stateRejected.inc({ reason: 'model' })
    throw bundleMismatch(record.bundle, deps.models.map((m) => `${m.name} (${m.bundle.slice(0, 12)})`).join(', '))
  }
  if (state.kind === 'kept' && state.state.length === (model.info?.stateBytes ?? state.state.length)) {
    observe('disk')
    return base({ state: state.state, position: record.position, pending: record.pending })
  }
  if (state.kind !== 'pruned') {
    deps.metrics.stateRejected.inc({ reason: 'checksum' })
    deps.log.warn({ response: id }, 'stored state does not match its checksum; rebuilding it')
  }
  const checkpoint = await rebuild(deps, model, record, signal, false)
  observe('replay')
  return base(checkpoint)
}

/** Stores a turn and its checkpoint. Resolves once they are on disk; 507 if they are not. */
export async function commit(deps: Deps, record: TurnRecord, state: Uint8Array): Promise<void> {
  const began = performance.now()
  try {
    await deps.store.put(record, state)
  } catch (cause) {
    deps.log.error({ cause, response: record.id }, 'a turn could not be stored')
    throw new ApiError(
      507,
      'storage_error',
      'The turn could not be stored, so it did not happen. Free some disk space and try again.',
      {
        cause,
      },
    )
  }
  deps.metrics.checkpoint.observe((performance.now() - began) / 1000)
}

/** Deletes a response: text, tokens and state. What can only be rebuilt through it is rebuilt first. */
export async function forget(deps: Deps, owner: string, id: string, signal: AbortSignal): Promise<void> {
  const { record } = await findResponse(deps, owner, id)
  let result = await storing(() => deps.store.remove(owner, id, false))
  while (result === 'needed') {
    const force = !(await rebuildDependants(deps, record, signal))
    result = await storing(() => deps.store.remove(owner, id, force))
  }
}

/** Whether all of them have a state of their own now. What cannot be rebuilt does not stand in the way of a deletion. */
async function rebuildDependants(deps: Deps, record: TurnRecord, signal: AbortSignal): Promise<boolean> {
  const model = deps.models.find((m) => m.bundle === record.bundle)
  if (!model) return false
  for (const id of await deps.store.dependants(record.id)) {
    const found = await deps.store.find(record.owner, id)
    try {
      if (found) await rebuild(deps, model, found.record, signal, true)
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'checkpoint_lost') throw error
      deps.log.warn({ response: id }, 'its memory cannot be rebuilt and is lost with the deletion before it')
      return false
    }
  }
  return true
}

/** The state of a turn by doing again what made it, from the nearest state before it: bit for bit the same. */
async function rebuild(
  deps: Deps,
  model: ServedModel,
  record: TurnRecord,
  signal: AbortSignal,
  pinned: boolean,
): Promise<Checkpoint> {
  const lineage = await deps.store.lineage(record.id)
  if (!lineage || !replayable(lineage, model)) {
    throw new ApiError(
      500,
      'checkpoint_lost',
      `The memory of response '${record.id}' is damaged and cannot be rebuilt. Continue from an earlier response.`,
      { param: 'previous_response_id' },
    )
  }
  let from = lineage.from
  for (const turn of lineage.turns) from = await replay(deps, model, turn, from, signal)
  const checkpoint = from as Checkpoint
  // Not needed to go on: a full disk must not stop a session that can be read.
  await deps.store.restore(record.id, checkpoint.state, pinned).catch((cause: unknown) => {
    if (pinned) throw storageError(cause)
    deps.log.warn({ cause, response: record.id }, 'a rebuilt state could not be stored')
  })
  return checkpoint
}

async function replay(
  deps: Deps,
  model: ServedModel,
  turn: TurnRecord,
  from: Checkpoint | null,
  signal: AbortSignal,
): Promise<Checkpoint> {
  // The last token was sampled but never fed: it is among the pending ones.
  const steps = turn.generated.slice(0, -1)
  for await (const event of submit(
    deps,
    model,
    { kind: 'replay', owner: turn.owner, from, prompt: turn.prompt, steps },
    signal,
  )) {
    if (event.kind === 'error')
      throw new ApiError(500, event.code, 'The engine failed while it rebuilt a memory.', { cause: event.message })
    if (event.kind === 'done' && event.checkpoint) {
      return { state: event.checkpoint.state, position: turn.position, pending: turn.pending }
    }
  }
  throw new ApiError(499, 'cancelled', 'The request was cancelled.')
}

function replayable(lineage: Lineage, model: ServedModel): boolean {
  return lineage.turns.every((turn) => turn.chunk === CHUNK && turn.bundle === model.bundle)
}

async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw storageError(cause)
  }
}

function storageError(cause: unknown): ApiError {
  return new ApiError(
    507,
    'storage_error',
    'The change could not be stored, so it did not happen. Free some disk space and try again.',
    { cause },
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
