/** The prefix cache: what owners' prompts have in common with earlier ones is not computed again. */
import type { CallRuns } from '../engine/prefill-calls.ts'
import { MemoryTier } from './memory-tier.ts'
import type { Prefix, PrefixHit, Scope } from './prefix.ts'

/** What a request says about the prefixes that its prompt leaves. */
export interface PrefixOptions {
  /** prompt_cache_key: prefixes with the same one count as used together. */
  readonly group: string | null
  /** Keep them on disk too. */
  readonly durable: boolean
}

export interface PrefixCache {
  readonly memoryBytes: number
  /** Prefixes that went for want of room since the start. */
  readonly evictions: number
  /** The longest prefix of the prompt that leaves a token to be computed. */
  find(scope: Scope, prompt: readonly number[]): Promise<PrefixHit | null>
  /** Keeps a prefix that stands for `tokens`; returns it, or the same one that was there already. */
  keep(scope: Scope, tokens: readonly number[], prefix: Prefix, options: PrefixOptions): Prefix
  /** Prompts of this scope are not looked up before `work` has settled. */
  settleFirst(scope: Scope, work: Promise<void>): void
  /** Drops all prefixes of an owner. */
  clear(owner: string): Promise<void>
}

/** A cache of at most `budget` bytes in memory. */
export function createPrefixCache(budget: number): PrefixCache {
  let evictions = 0
  const memory = new MemoryTier(budget, () => void evictions++)
  const unsettled = new Map<string, Set<Promise<void>>>()
  return {
    get memoryBytes() {
      return memory.bytes
    },
    get evictions() {
      return evictions
    },
    async find(scope, prompt) {
      await Promise.allSettled(unsettled.get(keyOf(scope)) ?? [])
      const found = memory.find(scope, prompt)
      return found && { ...found, tier: 'memory' }
    },
    keep(scope, tokens, prefix, { group }) {
      const kept = memory.add(scope, tokens, prefix, group)
      return isSameComputation(kept, prefix) ? kept : prefix
    },
    settleFirst(scope, work) {
      const key = keyOf(scope)
      const waiting = unsettled.get(key) ?? new Set()
      unsettled.set(key, waiting)
      waiting.add(work)
      const settled = (): void => {
        waiting.delete(work)
        if (waiting.size === 0) unsettled.delete(key)
      }
      work.then(settled, settled)
    },
    async clear(owner) {
      memory.clear(owner)
    },
  }
}

function keyOf({ owner, bundle }: Scope): string {
  return `${owner}\0${bundle}`
}

/** Whether two states for the same tokens have the same bits, so that later states may share pages of either. */
function isSameComputation(a: Prefix, b: Prefix): boolean {
  return a === b || (a.tokens === null && b.tokens === null && isSame(a.calls, b.calls))
}

function isSame(a: CallRuns, b: CallRuns): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}
