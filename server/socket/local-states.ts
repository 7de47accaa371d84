/** States of responses with `store: false`: each belongs to one WebSocket, all together have a limit. */
import type { Base, LocalBases } from '../base.ts'
import { bytesOfState } from '../checkpoint.ts'

/** States that one connection may keep. */
const PER_CONNECTION = 4

export interface LocalStates {
  /** Bytes kept now. */
  readonly bytes: number
  /** What one connection keeps. `clear` when it closes. */
  open(): LocalBases & { clear(): void }
}

/** Keeps at most `limit` bytes; the states that have been kept longest go first, whosever they are. */
export function createLocalStates(limit: number): LocalStates {
  /** In the order in which they came. */
  const kept = new Map<string, { readonly base: Base; readonly owner: Map<string, Base> }>()
  let bytes = 0
  const drop = (id: string): void => {
    const found = kept.get(id)
    if (!found) return
    kept.delete(id)
    found.owner.delete(id)
    bytes -= bytesOfState(found.base.checkpoint.state)
  }
  return {
    get bytes() {
      return bytes
    },
    open() {
      const own = new Map<string, Base>()
      return {
        get: (id) => own.get(id),
        set(id, base) {
          own.set(id, base)
          kept.set(id, { base, owner: own })
          bytes += bytesOfState(base.checkpoint.state)
          if (own.size > PER_CONNECTION) drop(own.keys().next().value as string)
          for (const oldest of kept.keys()) {
            if (bytes <= limit) break
            drop(oldest)
          }
        },
        delete(id) {
          if (own.has(id)) drop(id)
        },
        clear() {
          for (const id of own.keys()) drop(id)
        },
      }
    },
  }
}
