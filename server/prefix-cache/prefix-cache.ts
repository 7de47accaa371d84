/** The prefix cache: what owners' prompts have in common with earlier ones is not computed again. */
import type { CallRuns } from '../engine/prefill-calls.ts'
import type { DiskTier } from './disk-tier.ts'
import type { StateCache } from '../state-cache.ts'
import { MemoryTier } from './memory-tier.ts'
import type { Prefix, PrefixHit, Scope } from './prefix.ts'

/** What a request says about the prefixes that its prompt leaves. */
export interface PrefixOptions {
  /** prompt_cache_key: prefixes with the same one count as used together. */
  readonly group: string | null
  /** Keep them on disk too. */
  readonly durable: boolean
  /** Keep none: what the prompt has in it is not to stay. */
  readonly readOnly?: boolean
}

export interface PrefixCache {
  /** Bytes of all states that are kept in memory. */
  readonly memoryBytes: number
  /** Prefixes that went for want of room in memory since the start. */
  readonly evictions: number
  /** The longest prefix of the prompt that leaves a token to be computed. */
  find(scope: Scope, prompt: readonly number[], options: PrefixOptions): Promise<PrefixHit | null>
  /**
   * Keeps a prefix that stands for `tokens` and whose state goes on from that of `after`. Returns it, or the same one that
   * was there already; `stored` resolves once it is on disk, if it is to be there.
   */
  keep(
    scope: Scope,
    tokens: readonly number[],
    prefix: Prefix,
    after: Prefix | null,
    options: PrefixOptions,
  ): { readonly prefix: Prefix; readonly stored: Promise<void> }
  /** Prompts of this scope are not looked up before `work` has settled. */
  settleFirst(scope: Scope, work: Promise<void>): void
  /** Drops all prefixes of an owner. */
  clear(owner: string): Promise<number>
}

/** A prefix on disk has to save so many tokens more than one in memory to be worth reading. */
const LEAST_GAIN = 64

/** A cache whose prefixes in memory are in `states`. */
export function createPrefixCache(states: StateCache, disk: DiskTier): PrefixCache {
  let evictions = 0
  const memory = new MemoryTier(states, () => void evictions++)
  const unsettled = new Map<string, Set<Promise<void>>>()
  return {
    get memoryBytes() {
      return states.bytes
    },
    get evictions() {
      return evictions
    },
    async find(scope, prompt, { group }) {
      const waiting = unsettled.get(keyOf(scope))
      if (waiting) await Promise.allSettled(waiting)
      const near = memory.find(scope, prompt)
      const far = await disk.find(scope, prompt, near ? near.length + LEAST_GAIN : 0)
      if (!far) return near && { ...near, tier: 'memory' }
      memory.add(scope, prompt.slice(0, far.length), far.prefix, group)
      return { ...far, tier: 'disk' }
    },
    keep(scope, tokens, prefix, after, { group, durable }) {
      const found = memory.add(scope, tokens, prefix, group)
      const kept = isSameComputation(found, prefix) ? found : prefix
      return { prefix: kept, stored: durable ? disk.keep(scope, tokens, kept, after) : Promise.resolve() }
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
      const inMemory = memory.clear(owner)
      return inMemory + (await disk.clear(owner))
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
