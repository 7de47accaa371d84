/** Stored responses whose states are still in memory: the next turn on one of them does not wait for the disk. */
import type { Checkpoint, SessionState } from './checkpoint.ts'
import type { CachedState, StateCache } from './state-cache.ts'
import type { TurnRecord } from './store/store.ts'

/** What a turn needs of the response that it continues, besides its state. */
export type RecentTurn = Pick<TurnRecord, 'id' | 'owner' | 'root' | 'depth' | 'model' | 'bundle' | 'parent'> &
  Omit<Checkpoint, 'state'>

interface Entry extends CachedState {
  readonly turn: RecentTurn
  continued: boolean
}

/** Besides the state, in bytes. */
const ENTRY_BYTES = 1024

export class RecentStates {
  readonly #cache: StateCache
  readonly #entries = new Map<string, Entry>()

  constructor(cache: StateCache) {
    this.#cache = cache
  }

  /** The response `id` of `owner` and its state with all pages, and whether another response has continued it. */
  get(owner: string, id: string): Pick<Entry, 'turn' | 'state' | 'continued'> | null {
    const entry = this.#entries.get(id)
    if (entry?.turn.owner !== owner) return null
    this.#cache.use(entry)
    return entry
  }

  /** Keeps a response that has been stored, and its state: all of its pages. */
  set(turn: RecentTurn, state: SessionState): void {
    const { id, owner, root, depth, model, bundle, parent, position, pending } = turn
    this.delete(id)
    const before = parent === null ? undefined : this.#entries.get(parent)
    if (before) before.continued = true
    const entry: Entry = {
      turn: { id, owner, root, depth, model, bundle, parent, position, pending },
      continued: false,
      state,
      overhead: ENTRY_BYTES,
      evicted: () => void this.#entries.delete(id),
    }
    if (!this.#cache.fits(entry)) return
    this.#entries.set(id, entry)
    this.#cache.add(entry)
  }

  delete(id: string): void {
    const entry = this.#entries.get(id)
    if (entry) this.#cache.drop(entry)
    this.#entries.delete(id)
  }
}
