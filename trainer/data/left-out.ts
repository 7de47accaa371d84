/** Documents that are met while training and cannot be used: left out, and counted once however often they are met. */
export class LeftOut {
  readonly #places = new Set<string>()
  #first = ''

  add(where: string, problem: unknown): void {
    if (this.#places.size === 0)
      this.#first = `${where}: ${problem instanceof Error ? problem.message : String(problem)}`
    this.#places.add(where)
  }

  /** A sentence with their number and the first one, where there are any. */
  note(): string | undefined {
    const { size } = this.#places
    return size === 0 ? undefined : `${size} document${size === 1 ? '' : 's'} left out; ${this.#first}`
  }

  get count(): number {
    return this.#places.size
  }
}
