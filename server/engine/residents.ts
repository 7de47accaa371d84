/** Memory of sequences that have ended, kept for a turn that goes on from there: its keys and values are in place. */
import { randomUUID } from 'node:crypto'
import type { ResidentRef } from '../checkpoint.ts'
import type { SoloMemory } from './solo-memory.ts'

let lastStamp = 0

/**
 * What the append entries of one memory hold: sequences that went on from one another. A sequence that goes on from an
 * earlier position overwrites what came after it, so states that were saved there are not in this memory any more.
 */
export class Line {
  readonly #memory = randomUUID()
  /** Who wrote which positions: each from `from` on, up to where the next one begins. */
  #writers: { readonly stamp: number; readonly from: number }[] = []
  /** Whether a state refers to what is here now. */
  #referred = false

  /** Whether a sequence may come back to it. */
  get referred(): boolean {
    return this.#referred
  }

  get memory(): string {
    return this.#memory
  }

  /** A state has been saved; returns where it came from. */
  refer(): ResidentRef {
    this.#referred = true
    return { memory: this.#memory, stamp: this.#writers.at(-1)?.stamp ?? 0 }
  }

  /** Whether the first `position` positions are still those of a state that was saved with this stamp. */
  holds(stamp: number, position: number): boolean {
    const at = this.#writers.findIndex((writer) => writer.stamp === stamp)
    if (at < 0) return false
    const next = this.#writers[at + 1]
    return next === undefined || position <= next.from
  }

  /** A sequence goes on from `position`: later positions are its own. */
  goOn(position: number): void {
    this.#writers = this.#writers.filter(({ from }) => from < position)
    this.#writers.push({ stamp: ++lastStamp, from: position })
  }
}

export interface Resident {
  readonly owner: string
  readonly line: Line
  readonly memory: SoloMemory
}

export class Residents {
  readonly #budget: number
  /** From the least recently used one on. */
  readonly #kept = new Map<string, Resident>()
  #bytes = 0

  /** Keeps at most `budget` bytes: the least recently used ones go. */
  constructor(budget: number) {
    this.#budget = budget
  }

  /** Whether memory of so many bytes can be kept at all. */
  fits(bytes: number): boolean {
    return bytes <= this.#budget
  }

  keep(resident: Resident): void {
    if (!this.fits(resident.memory.bytes)) return resident.memory.close()
    this.#kept.set(resident.line.memory, resident)
    this.#bytes += resident.memory.bytes
    for (const oldest of this.#kept.values()) {
      if (this.#bytes <= this.#budget) return
      this.#drop(oldest)
      oldest.memory.close()
    }
  }

  /** The memory that holds the first `position` positions of a state, which is not kept here any more; or null. */
  take(owner: string, { memory, stamp }: ResidentRef, position: number): Resident | null {
    const found = this.#kept.get(memory)
    if (found?.owner !== owner || !found.line.holds(stamp, position)) return null
    this.#drop(found)
    return found
  }

  forget(owner: string): void {
    for (const resident of this.#kept.values()) {
      if (resident.owner !== owner) continue
      this.#drop(resident)
      resident.memory.close()
    }
  }

  close(): void {
    for (const { memory } of this.#kept.values()) memory.close()
    this.#kept.clear()
    this.#bytes = 0
  }

  #drop({ line, memory }: Resident): void {
    this.#kept.delete(line.memory)
    this.#bytes -= memory.bytes
  }
}
