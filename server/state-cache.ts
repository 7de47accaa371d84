/** States that are kept in memory while nothing is computed with them: the least recently used ones go. */
import type { SessionState } from './checkpoint.ts'

/** A state that is kept, and what else is kept with it. */
export interface CachedState {
  readonly state: SessionState
  /** Bytes of what is kept besides the state. */
  readonly overhead: number
  /** It has gone for want of room. */
  evicted(): void
}

export class StateCache {
  readonly #budget: number
  /** From the least recently used to the most recently used one. */
  readonly #order = new Set<CachedState>()
  /** How many states share each page. */
  readonly #pages = new Map<Uint8Array, number>()
  #bytes = 0

  /** Keeps at most `budget` bytes. */
  constructor(budget: number) {
    this.#budget = budget
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether there is room for it once everything else has gone. */
  fits(entry: CachedState): boolean {
    const pages = entry.state.pages.reduce((sum, page) => sum + page.byteLength, 0)
    return bytesAlone(entry) + pages <= this.#budget
  }

  /** Keeps a state that fits. */
  add(entry: CachedState): void {
    this.#bytes += bytesAlone(entry)
    for (const page of entry.state.pages) this.#hold(page)
    this.#order.add(entry)
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#budget) return
      this.drop(oldest)
      oldest.evicted()
    }
  }

  use(entry: CachedState): void {
    if (this.#order.delete(entry)) this.#order.add(entry)
  }

  drop(entry: CachedState): void {
    if (!this.#order.delete(entry)) return
    this.#bytes -= bytesAlone(entry)
    for (const page of entry.state.pages) this.#release(page)
  }

  #hold(page: Uint8Array): void {
    const holders = this.#pages.get(page) ?? 0
    if (holders === 0) this.#bytes += page.byteLength
    this.#pages.set(page, holders + 1)
  }

  #release(page: Uint8Array): void {
    const holders = (this.#pages.get(page) ?? 1) - 1
    if (holders > 0) this.#pages.set(page, holders)
    else if (this.#pages.delete(page)) this.#bytes -= page.byteLength
  }
}

/** Pages may be shared; these bytes never are. */
function bytesAlone({ state, overhead }: CachedState): number {
  return overhead + state.fixed.byteLength
}
