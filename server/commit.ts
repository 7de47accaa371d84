/** Storing a turn, with its state or before it. */
import type { Base } from './base.ts'
import { bytesOfState, withEarlierPages, type Checkpoint } from './checkpoint.ts'
import type { Deps } from './deps.ts'
import type { SecondReading } from './second-reading.ts'
import { StoreError } from './store/errors.ts'
import type { Remembered, TurnRecord } from './store/store.ts'

/** States up to this size are written in the transaction of their turn; larger ones follow it, after the reply. */
const INLINE_STATE_BYTES = 1024 * 1024

/**
 * Stores a turn, its checkpoint and what is remembered of it; resolves once the turn is on disk, rejects with StoreError if it is not. A large
 * state follows its turn: a crash in between costs a replay of that turn, never the turn.
 */
export async function commit(
  deps: Deps,
  record: TurnRecord,
  state: Checkpoint['state'],
  base: Base | null,
  remembered: Remembered,
): Promise<void> {
  const began = performance.now()
  const whole = withEarlierPages(state, base?.checkpoint.state ?? null)
  // Pages that the store may not have are written with the state.
  const written = base === null || (await base.held) ? state : whole
  const inline = bytesOfState(written) <= INLINE_STATE_BYTES || base?.stored === false
  let isKept = false
  try {
    isKept = await deps.store.put(record, inline ? written : null, remembered)
  } catch (cause) {
    throw notStored(deps, cause)
  }
  deps.metrics.checkpoint.observe((performance.now() - began) / 1000)
  if (!isKept) stateNotStored(deps, record.id, new StoreError('failed', 'the state that it continues is not kept'))
  deps.recent?.set(record, whole)
  if (inline) return
  deps.store.restore(record.id, written, 'followed').catch((cause: unknown) => stateNotStored(deps, record.id, cause))
}

/**
 * Stores a turn whose state is still being computed, as `commit` does, and lets the state follow. Until then the turn
 * before keeps its own, from which this one can be rebuilt.
 */
export async function commitAhead(
  deps: Deps,
  record: TurnRecord,
  { made, cancel }: SecondReading,
  base: Base | null,
  remembered: Remembered,
): Promise<void> {
  const held = base ? deps.store.hold(base.id).catch(() => false) : Promise.resolve(false)
  const release = async (): Promise<void> => {
    if (base && (await held)) await deps.store.release(base.id).catch(() => undefined)
  }
  const began = performance.now()
  try {
    await deps.store.put(record, null, remembered)
  } catch (cause) {
    cancel()
    await release()
    throw notStored(deps, cause)
  }
  deps.metrics.checkpoint.observe((performance.now() - began) / 1000)
  const follow = async (): Promise<void> => {
    const { state, prefillCalls } = await made
    const whole = withEarlierPages(state, base?.checkpoint.state ?? null)
    const written = base === null || (await held) ? state : whole
    await deps.store.restore(record.id, written, 'followed', prefillCalls)
    deps.recent?.set(record, whole)
  }
  const following = follow().catch((cause: unknown) => stateNotStored(deps, record.id, cause))
  deps.following.add(record.id, record.owner, following.then(release), cancel)
}

/** Counts a turn that could not be stored. */
function notStored(deps: Deps, cause: unknown): unknown {
  deps.metrics.storeFailures.inc({ reason: cause instanceof StoreError ? cause.reason : 'failed' })
  return cause
}

/** Tells of a state that its turn has to do without: it is rebuilt when it is needed. */
export function stateNotStored(deps: Deps, id: string, cause: unknown): void {
  deps.metrics.stateFailures.inc({ reason: cause instanceof StoreError ? cause.reason : 'failed' })
  deps.log.warn({ err: cause, response: id }, 'a state could not be stored; it is rebuilt when it is needed')
}
