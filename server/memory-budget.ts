/** How much of the machine's memory is promised, and to what. */

/** `caches`: states that are kept in memory while nothing is computed with them. */
export type MemoryKind = 'weights' | 'state' | 'caches'

export class MemoryBudget {
  /** Bytes; null: no limit. */
  readonly limit: number | null
  readonly #used: Record<MemoryKind, number> = { weights: 0, state: 0, caches: 0 }

  constructor(limit: number | null) {
    this.limit = limit
  }

  /** Bytes by what they are promised to. */
  get used(): Readonly<Record<MemoryKind, number>> {
    return this.#used
  }

  get free(): number {
    const { weights, state, caches } = this.#used
    return this.limit === null ? Infinity : this.limit - weights - state - caches
  }

  /** Throws where it does not fit: callers look at `free` first. */
  take(kind: MemoryKind, bytes: number): void {
    if (bytes > this.free) throw new Error(`memory: expected at most ${this.free} bytes for ${kind}, got ${bytes}`)
    this.#used[kind] += bytes
  }

  give(kind: MemoryKind, bytes: number): void {
    if (bytes > this.#used[kind])
      throw new Error(`memory: expected at most ${this.#used[kind]} bytes of ${kind} given back, got ${bytes}`)
    this.#used[kind] -= bytes
  }
}
