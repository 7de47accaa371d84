/** Prefilled sequences: those that have a row and decode, and those that wait for one. */
import type { OwnerClock } from './owner-clock.ts'
import type { DecodeSequence } from './sequence.ts'

/** Tokens that a sequence is fed before an owner with fewer rows may take its row. */
const SLICE = 64

export class DecodeQueue {
  readonly #limit: number
  readonly #clock: OwnerClock
  #waiting: DecodeSequence[] = []
  #running: DecodeSequence[] = []

  /** At most `limit` sequences run. */
  constructor(limit: number, clock: OwnerClock) {
    this.#limit = limit
    this.#clock = clock
  }

  get running(): readonly DecodeSequence[] {
    return this.#running
  }

  get size(): number {
    return this.#waiting.length + this.#running.length
  }

  /** Sequences of `owner`, waiting or running. */
  countOf(owner: string): number {
    return this.all().filter(({ job }) => job.owner === owner).length
  }

  all(): readonly DecodeSequence[] {
    return [...this.#running, ...this.#waiting]
  }

  add(sequence: DecodeSequence): void {
    this.#waiting.push(sequence)
  }

  remove(sequence: DecodeSequence): void {
    this.#waiting = this.#waiting.filter((other) => other !== sequence)
    this.#running = this.#running.filter((other) => other !== sequence)
  }

  /** Makes the next change of who runs: a waiting sequence begins, and another one waits for it where all places are taken. */
  next(): boolean {
    if (this.#waiting.length === 0) return false
    const rows = new Map<string, number>()
    for (const { job } of this.#running) rows.set(job.owner, (rows.get(job.owner) ?? 0) + 1)
    const rowsOf = ({ job }: DecodeSequence): number => rows.get(job.owner) ?? 0
    const given = ({ job }: DecodeSequence): number => this.#clock.given(job.owner)
    const behind = (a: DecodeSequence, b: DecodeSequence): number => rowsOf(a) - rowsOf(b) || given(a) - given(b)
    // The first that came of the owner with the fewest rows; of several such owners, the one that was given least.
    const place = this.#waiting.reduce((best, one) => (behind(one, best) < 0 ? one : best))
    const park = this.#running.length < this.#limit ? null : this.#victim(place, rowsOf)
    if (this.#running.length >= this.#limit && !park) return false
    this.remove(place)
    this.#running.push(place)
    place.sincePlaced = 0
    if (park) {
      this.#running = this.#running.filter((other) => other !== park)
      // Before those of its owner that have not begun: it goes on as soon as a row is free.
      this.#waiting.unshift(park)
    }
    return true
  }

  /**
   * Whose row goes to `place`: of the owner with the most rows, the sequence that has had its row longest. Rows that only
   * swap owners do so after a slice.
   */
  #victim(place: DecodeSequence, rowsOf: (sequence: DecodeSequence) => number): DecodeSequence | null {
    const most = Math.max(...this.#running.map(rowsOf))
    if (most <= rowsOf(place)) return null
    const candidates = this.#running.filter((one) => rowsOf(one) === most && one.job.owner !== place.job.owner)
    const longest = candidates.reduce<DecodeSequence | null>(
      (best, one) => (!best || one.sincePlaced > best.sincePlaced ? one : best),
      null,
    )
    if (!longest || (most - rowsOf(place) < 2 && longest.sincePlaced < SLICE)) return null
    return longest
  }
}
