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
  const whole = withEarlierPages(state, base?.checkpoint.state ?? null)
  // Pages that the store may not have are written with the state.
  const written = base === null || (await base.held) ? state : whole
  const inline = bytesOfState(written) <= INLINE_STATE_BYTES || base?.stored === false
  const isKept = await put(deps, record, inline ? written : null, remembered)
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
  const before =
    base &&
    holding(
      deps,
      base.id,
      deps.store.hold(base.id).catch(() => false),
    )
  try {
    await put(deps, record, null, remembered)
  } catch (cause) {
    cancel()
    before?.release()
    throw cause
  }
  const follow = async (): Promise<void> => {
    const { state, prefillCalls } = await made
    const whole = withEarlierPages(state, base?.checkpoint.state ?? null)
    // Also where the disk has no room for it.
    deps.recent?.set(record, whole)
    const written = before === null || (await before.held) ? state : whole
    await deps.store.restore(record.id, written, 'followed', prefillCalls)
  }
  const following = follow().catch((cause: unknown) => stateNotStored(deps, record.id, cause))
  const over = following.then(() => before?.release())
  deps.following.add(record.id, record.owner, over, cancel)
}

/** What a turn says of the pages that it shares: whether the store holds them, and until when. */
export function holding({ store }: Deps, id: string, held: Promise<boolean>): Pick<Base, 'held' | 'release'> {
  const release = async (): Promise<void> => {
    if (await held) await store.release(id)
  }
  return { held, release: () => void release().catch(() => undefined) }
}

/** `put` of the store, timed and counted. */
async function put(
  { store, metrics }: Deps,
  record: TurnRecord,
  state: Checkpoint['state'] | null,
  remembered: Remembered,
): Promise<boolean> {
  const began = performance.now()
  try {
    const isKept = await store.put(record, state, remembered)
    metrics.checkpoint.observe((performance.now() - began) / 1000)
    return isKept
  } catch (cause) {
    metrics.storeFailures.inc({ reason: cause instanceof StoreError ? cause.reason : 'failed' })
    throw cause
  }
}

/** Tells of a state that its turn has to do without: it is rebuilt when it is needed. */
export function stateNotStored(deps: Deps, id: string, cause: unknown): void {
  deps.metrics.stateFailures.inc({ reason: cause instanceof StoreError ? cause.reason : 'failed' })
  deps.log.warn({ err: cause, response: id }, 'a state could not be stored; it is rebuilt when it is needed')
}
