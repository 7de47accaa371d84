/** Prefixes on disk: those of requests that ask for it. */
import type { Logger } from 'pino'
import { PAGE_POSITIONS, type SessionState } from '../checkpoint.ts'
import type { Store } from '../store/store.ts'
import type { Prefix, Scope } from './prefix.ts'

type PrefixStore = Pick<Store, 'putPrefix' | 'findPrefix' | 'prefixScopes' | 'clearPrefixes'>

export interface DiskTier {
  /** The longest prefix that is longer than `longerThan` and leaves a token to be computed. */
  find(
    scope: Scope,
    prompt: readonly number[],
    longerThan: number,
  ): Promise<{ readonly prefix: Prefix; readonly length: number } | null>
  /** Keeps a prefix that stands for `tokens`, and whose state goes on from that of `after`. Never rejects. */
  keep(scope: Scope, tokens: readonly number[], prefix: Prefix, after: Prefix | null): Promise<void>
  /** Returns how many there were. */
  clear(owner: string): Promise<number>
}

export function createDiskTier(store: PrefixStore, log: Logger): DiskTier {
  // Most owners have nothing on disk: their prompts do not wait for the store.
  const scopes = store.prefixScopes().then(
    (found) => new Set(found.map(keyOf)),
    () => new Set<string>(),
  )
  /** Numbers of prefixes that are on disk, or were. */
  const numbers = new WeakMap<Prefix, number>()

  const put = ({ owner, bundle }: Scope, key: readonly number[], prefix: Prefix, after: Prefix | null) => {
    const { tokens, position, calls, afterReply, state } = prefix
    const number = after ? (numbers.get(after) ?? null) : null
    const firstPage = after && number !== null ? Math.floor(after.position / PAGE_POSITIONS) : 0
    const record = { key, tokens, position, calls, afterReply }
    return store.putPrefix(owner, bundle, record, pagesFrom(state, firstPage), number)
  }
  return {
    async find(scope, prompt, longerThan) {
      if (!(await scopes).has(keyOf(scope))) return null
      try {
        const found = await store.findPrefix(scope.owner, scope.bundle, prompt, longerThan)
        if (!found) return null
        const { seq, length, ...prefix } = found
        numbers.set(prefix, seq)
        return { prefix, length }
      } catch (error) {
        log.warn({ err: error }, 'kept prefixes cannot be read; the prompt is computed')
        return null
      }
    },
    async keep(scope, tokens, prefix, after) {
      const known = await scopes
      try {
        const number = (await put(scope, tokens, prefix, after)) ?? (await put(scope, tokens, prefix, null))
        if (number !== null) numbers.set(prefix, number)
        known.add(keyOf(scope))
      } catch (error) {
        log.warn({ err: error }, 'a prefix could not be stored; after a restart it has to be computed')
      }
    },
    clear: (owner) => store.clearPrefixes(owner),
  }
}

function pagesFrom(state: SessionState, firstPage: number): SessionState {
  return { ...state, pages: state.pages.slice(firstPage), firstPage }
}

function keyOf({ owner, bundle }: Scope): string {
  return `${owner}\0${bundle}`
}
