/** States that are still being computed for turns that are on disk already: who needs one waits for it. */
import type { Lifecycle } from './lifecycle.ts'

/** So many at a time; a turn beyond that waits for its own state, so that work does not pile up behind replies. */
const MOST = 16

interface Following {
  readonly owner: string
  readonly over: Promise<void>
}

export class FollowingStates {
  readonly #lifecycle: Lifecycle
  /** By the id of the turn. */
  readonly #open = new Map<string, Following>()

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle
  }

  /** Whether another one has to wait. */
  get isFull(): boolean {
    return this.#open.size >= MOST
  }

  /** The state of the turn `id` follows: `made` resolves once it has, or says itself why not. A server that stops waits for it, and calls `cancel` when it cannot wait any longer. */
  add(id: string, owner: string, made: Promise<void>, cancel: () => void): void {
    const work = this.#lifecycle.begin(new AbortController().signal)
    if (this.#lifecycle.aborted) cancel()
    else work.signal.addEventListener('abort', cancel, { once: true })
    const over = made.finally(() => {
      work.done()
      this.#open.delete(id)
    })
    this.#open.set(id, { owner, over })
  }

  /** Resolves once the state of the turn `id` does not follow any more. */
  async settled(id: string): Promise<void> {
    await this.#open.get(id)?.over
  }

  /** Resolves once none of an owner's states follows that does now. */
  async allSettled(owner: string): Promise<void> {
    await Promise.all([...this.#open.values()].filter((one) => one.owner === owner).map(({ over }) => over))
  }
}
