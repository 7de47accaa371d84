/** Whether the server takes work, what is in flight, and how it stops. */

/** Something in flight for a client. */
export interface Work {
  /** Aborts when the client has gone or the server cannot wait any longer. */
  readonly signal: AbortSignal
  /** Gives up on the client. */
  abort(): void
  /** It is over; further calls do nothing. */
  done(): void
}

export interface Lifecycle {
  /** No new work: readiness is off. */
  readonly draining: boolean
  /** Work in flight has been cut off. */
  readonly aborted: boolean
  /** `client` aborts when the client goes away. */
  begin(client: AbortSignal): Work
  /** Stops taking work, waits for what is in flight up to `timeoutMs`, then aborts it. Resolves when nothing is left. */
  drain(timeoutMs: number): Promise<void>
  /** Calls `listener` when draining begins. Returns a function that takes it back. */
  onDrain(listener: () => void): () => void
}

/** Work that has been aborted gets so long to say goodbye. */
const FAREWELL_MS = 2_000

export function createLifecycle(): Lifecycle {
  // Not AbortSignal.any: on Node 20 a signal that lives as long as the server would keep every one derived from it.
  const inFlight = new Set<AbortController>()
  const listeners = new Set<() => void>()
  let draining = false
  let aborted = false
  let settled: (() => void) | null = null

  const idle = async (timeoutMs: number): Promise<void> => {
    if (inFlight.size === 0) return
    let timer: NodeJS.Timeout | undefined
    await Promise.race([
      new Promise<void>((resolve) => (settled = resolve)),
      new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs))),
    ])
    clearTimeout(timer)
  }
  return {
    get draining() {
      return draining
    },
    get aborted() {
      return aborted
    },
    begin(client) {
      const controller = new AbortController()
      const abort = (): void => controller.abort()
      inFlight.add(controller)
      if (client.aborted) abort()
      else client.addEventListener('abort', abort, { once: true })
      return {
        signal: controller.signal,
        abort,
        done() {
          client.removeEventListener('abort', abort)
          if (inFlight.delete(controller) && inFlight.size === 0) settled?.()
        },
      }
    },
    async drain(timeoutMs) {
      draining = true
      for (const listener of listeners) listener()
      await idle(timeoutMs)
      aborted = true
      for (const controller of inFlight) controller.abort()
      await idle(FAREWELL_MS)
    },
    onDrain(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
