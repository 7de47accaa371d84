/** How many tokens the engine has computed for each owner, so that the one who got least comes first. */

/**
 * Start-time fair queueing: an owner who comes back after a pause starts at the least of those who are there, so a pause
 * earns nothing and nobody is behind for what they had before.
 */
export class OwnerClock {
  readonly #given = new Map<string, number>()
  readonly #active = new Map<string, number>()

  /** A job of `owner` has come. */
  enter(owner: string): void {
    const jobs = this.#active.get(owner) ?? 0
    if (jobs === 0) this.#given.set(owner, Math.min(...this.#given.values(), Infinity))
    if (this.#given.get(owner) === Infinity) this.#given.set(owner, 0)
    this.#active.set(owner, jobs + 1)
  }

  /** A job of `owner` is over. */
  leave(owner: string): void {
    const jobs = (this.#active.get(owner) ?? 1) - 1
    if (jobs > 0) {
      this.#active.set(owner, jobs)
      return
    }
    this.#active.delete(owner)
    this.#given.delete(owner)
  }

  /** Owners that have jobs. */
  get owners(): number {
    return this.#active.size
  }

  charge(owner: string, tokens: number): void {
    const before = this.#given.get(owner)
    if (before !== undefined) this.#given.set(owner, before + tokens)
  }

  given(owner: string): number {
    return this.#given.get(owner) ?? 0
  }
}
