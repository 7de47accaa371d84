/** How much one owner may have open at a time, so that no key can take every connection. */
import type { Metrics } from '../metrics.ts'
import { ApiError } from '../openai/errors.ts'

export interface Admission {
  /** Counts a request or WebSocket of `owner`. Returns the function that ends it. Throws 429 when there are too many. */
  enter(owner: string): () => void
}

/** At most `limit` of each owner. */
export function createAdmission(limit: number, metrics: Metrics): Admission {
  const open = new Map<string, number>()
  return {
    enter(owner) {
      const count = open.get(owner) ?? 0
      if (count >= limit) {
        metrics.rejected.inc({ reason: 'owner_connections' })
        const message = `This key's tenant has ${limit} requests and WebSockets open already. Wait for one to end.`
        throw new ApiError(429, 'too_many_connections', message, { retryAfter: 1 })
      }
      open.set(owner, count + 1)
      let ended = false
      return () => {
        if (ended) return
        ended = true
        const rest = (open.get(owner) ?? 1) - 1
        if (rest > 0) open.set(owner, rest)
        else open.delete(owner)
      }
    },
  }
}
