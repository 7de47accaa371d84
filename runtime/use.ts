/** Native memory that may be in use on another thread when it is given back. */

export interface Use {
  /** Runs `work`; memory is not freed before it has settled. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Frees the memory, once: now, or as soon as nothing uses it. */
  end(): void
}

export function createUse(free: () => void): Use {
  let running = 0
  let ended = false
  let freed = false
  const settle = (): void => {
    if (!ended || freed || running > 0) return
    freed = true
    free()
  }
  return {
    async during(work) {
      running++
      try {
        return await work()
      } finally {
        running--
        settle()
      }
    },
    end() {
      ended = true
      settle()
    },
  }
}
