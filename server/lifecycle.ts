/** Whether the server takes work, and how it stops. */

export interface Lifecycle {
  /** No new work: readiness is off. */
  readonly draining: boolean
  /** Aborted when work in flight has to end. */
  readonly signal: AbortSignal
  /** Counts work in flight; call the result once when it is over. */
  begin(): () => void
  /** Stops taking work, waits for what is in flight up to `timeoutMs`, then aborts it. Resolves when nothing is left. */
  drain(timeoutMs: number): Promise<void>
  /** Calls `listener` when draining begins. Returns a function that takes it back. */
  onDrain(listener: () => void): () => void
}

/** Work that has been aborted gets so long to say goodbye. */
const FAREWELL_MS = 2_000

export function createLifecycle(): Lifecycle {
  const abort = new AbortController()
  const listeners = new Set<() => void>()
  let inFlight = 0
  let draining = false
  let settled: (() => void) | null = null

  const idle = async (timeoutMs: number): Promise<void> => {
    if (inFlight === 0) return
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
    signal: abort.signal,
    begin() {
      inFlight++
      let over = false
      return () => {
        if (over) return
        over = true
        inFlight--
        if (inFlight === 0) settled?.()
      }
    },
    async drain(timeoutMs) {
      draining = true
      for (const listener of listeners) listener()
      await idle(timeoutMs)
      abort.abort()
      await idle(FAREWELL_MS)
    },
    onDrain(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
