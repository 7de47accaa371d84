/** States of stored responses that are still in memory, so that the next turn does not read them from disk. */
import type { SessionState } from './checkpoint.ts'
import type { CachedState, StateCache } from './state-cache.ts'

/** Besides the state, in bytes. */
const ENTRY_BYTES = 512

export class RecentStates {
  readonly #cache: StateCache
  readonly #entries = new Map<string, CachedState>()

  constructor(cache: StateCache) {
    this.#cache = cache
  }

  /** The state of a response, with all of its pages. Whether the caller may have it has been checked. */
  get(id: string): SessionState | null {
    const entry = this.#entries.get(id)
    if (!entry) return null
    this.#cache.use(entry)
    return entry.state
  }

  /** Keeps the state of a response: all of its pages. */
  set(id: string, state: SessionState): void {
    this.delete(id)
    const entry = { state, overhead: ENTRY_BYTES, evicted: () => void this.#entries.delete(id) }
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
