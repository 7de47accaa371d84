/** Slows down whoever guesses keys: answers to wrong ones leave an address one after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../openai/errors.ts'

export interface WrongKeys {
  /** Resolves when a wrong key of `address` may be answered. Throws 429 at once when many are waiting already. */
  delay(address: string): Promise<void>
}

/** The first wrong keys of an address are answered at once: a person who mistypes one. */
const FREE = 5
const EACH_MS = 500
/** Answers that wait for one address; each holds a connection. */
const WAITING = 32
/** Addresses that are remembered. */
const ADDRESSES = 10_000

/** `now` and `wait` are the clock, in milliseconds. */
export function createWrongKeys(
  now: () => number = () => performance.now(),
  wait: (ms: number) => Promise<unknown> = sleep,
): WrongKeys {
  /** When the last answer of an address is due; the free ones lie in the past. */
  const due = new Map<string, number>()
  return {
    async delay(address) {
      const last = Math.max(due.get(address) ?? -Infinity, now() - FREE * EACH_MS)
      const waitMs = last + EACH_MS - now()
      if (waitMs > WAITING * EACH_MS) {
        const message = 'Too many wrong API keys came from this address. Wait before trying again.'
        throw new ApiError(429, 'too_many_wrong_keys', message, { retryAfter: Math.ceil(waitMs / 1000) })
      }
      due.delete(address)
      due.set(address, last + EACH_MS)
      const oldest = due.keys().next().value
      if (due.size > ADDRESSES && oldest !== undefined) due.delete(oldest)
      if (waitMs > 0) await wait(waitMs)
    },
  }
}
