/** Prefixes for caches and stores. */
import { PAGE_POSITIONS, type SessionState } from '../../server/checkpoint.ts'
import type { PrefixRecord } from '../../server/store/store.ts'

/** A record of `key`, fed as it is in one call. */
export const prefixRecord = (key: readonly number[], changes: Partial<PrefixRecord> = {}): PrefixRecord => ({
  key,
  tokens: null,
  position: key.length,
  calls: [key.length, 1],
  afterReply: false,
  ...changes,
})

/** A state that tells which tokens it has been fed: a fixed part of 64 bytes, and a page position of 4 bytes a token. */
export function stateAfter(tokens: readonly number[], firstPage = 0): SessionState {
  const fixed = Uint8Array.from(Buffer.from(`${tokens.length}:${tokens.slice(-8).join()}`.padEnd(64)).subarray(0, 64))
  const pages: Uint8Array[] = []
  for (let at = firstPage * PAGE_POSITIONS; at < tokens.length; at += PAGE_POSITIONS)
    pages.push(new Uint8Array(Int32Array.from(tokens.slice(at, at + PAGE_POSITIONS)).buffer))
  return { fixed, pages, firstPage }
}

/** `count` tokens that begin like those of every other count with the same `seed`. */
export const tokenRun = (count: number, seed = 0): number[] =>
  Array.from({ length: count }, (_, i) => (Math.imul(i + 1, 7919) + seed) & 0xffff)
