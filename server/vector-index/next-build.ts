/** Which index is made next: one at a time, and none again and again. */
import { textOfKey, type IndexKey } from './index-files.ts'

const PAUSE_MS = 60_000
/** An index that finds too little is tried again with so many more vectors. */
const GROWN = 1.5

interface Wish {
  readonly key: IndexKey
  readonly size: number
}

export class NextBuild {
  readonly #pauseMs: number
  readonly #make: (key: IndexKey) => Promise<void>
  readonly #wanted = new Map<string, Wish>()
  /** Until when a key waits. */
  readonly #paused = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  /** Sizes with which an index found too little. */
  readonly #refused = new Map<string, number>()
  #current: Wish | null = null
  /** How long the last one took. */
  #lastMs = 0
  #timer: NodeJS.Timeout | null = null

  constructor(pauseMs: number | undefined, make: (key: IndexKey) => Promise<void>) {
    this.#pauseMs = pauseMs ?? PAUSE_MS
    this.#make = make
  }

  want(key: IndexKey, size: number): void {
    const text = textOfKey(key)
    if (this.#current && textOfKey(this.#current.key) === text) return
    if (size < GROWN * (this.#refused.get(text) ?? 0)) return
    this.#wanted.set(text, { key, size })
    this.#start()
  }

  /** Its file had to go, or what was being made: not before as much time has passed as making one takes. */
  later(key: IndexKey): void {
    this.#paused.set(textOfKey(key), Date.now() + Math.max(this.#pauseMs, this.#lastMs))
  }

  failed(key: IndexKey): void {
    const text = textOfKey(key)
    const failures = (this.#failures.get(text) ?? 0) + 1
    this.#failures.set(text, failures)
    this.#paused.set(text, Date.now() + this.#pauseMs * 2 ** failures)
  }

  /** An index of it finds too little. */
  refuse(key: IndexKey): void {
    this.#refused.set(textOfKey(key), this.#current?.size ?? 0)
  }

  close(): void {
    this.#wanted.clear()
    if (this.#timer) clearTimeout(this.#timer)
  }

  #start(): void {
    if (this.#current) return
    const until = ([text]: [string, Wish]): number => this.#paused.get(text) ?? 0
    const [first] = [...this.#wanted].toSorted((a, b) => until(a) - until(b))
    if (!first) return
    const wait = until(first) - Date.now()
    if (wait > 0) {
      if (this.#timer) clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#start(), wait).unref()
      return
    }
    const [text, wish] = first
    this.#wanted.delete(text)
    this.#current = wish
    const began = performance.now()
    void this.#make(wish.key).finally(() => {
      this.#lastMs = performance.now() - began
      this.#current = null
      this.#start()
    })
  }
}
