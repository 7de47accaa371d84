/** API keys: who asks. Keys are compared by hash in constant time and never logged. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Owner of everything when no keys are configured. */
const LOCAL_OWNER = 'local'

export interface KeyRing {
  readonly required: boolean
  /** The owner that a key stands for; null if it is none of ours. Without configured keys: always the local owner. */
  ownerOf(key: string | null): string | null
}

export function createKeyRing(keys: readonly string[]): KeyRing {
  const known = keys.map(hash)
  return {
    required: known.length > 0,
    ownerOf(key) {
      if (known.length === 0) return LOCAL_OWNER
      const given = hash(key ?? '')
      // Every key is compared, so the time does not tell which one was close.
      const found = known.filter((k) => timingSafeEqual(k, given)).length > 0
      return found ? given.toString('hex') : null
    },
  }
}

function hash(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
