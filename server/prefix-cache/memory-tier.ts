/** Prefixes in memory, by owner and bundle. */
import type { CachedState, StateCache } from '../state-cache.ts'
import type { Prefix, Scope } from './prefix.ts'
import { RadixTree, type Entry } from './radix-tree.ts'

/** Besides the state: nodes, entries and what else an entry takes, in bytes; and of a token. */
const ENTRY_BYTES = 512
const TOKEN_BYTES = 4

interface Kept extends CachedState {
  readonly prefix: Prefix
  readonly scope: string
  /** What was given as prompt_cache_key: prefixes of a group are used together. */
  readonly group: string | null
}

export class MemoryTier {
  readonly #cache: StateCache
  readonly #evicted: () => void
  readonly #trees = new Map<string, RadixTree<Kept>>()
  readonly #entries = new Set<Entry<Kept>>()
  readonly #groups = new Map<string, Set<Entry<Kept>>>()

  /** Prefixes are kept in `cache`; `evicted` is called for each one that goes for want of room. */
  constructor(cache: StateCache, evicted: () => void) {
    this.#cache = cache
    this.#evicted = evicted
  }

  /** The longest prefix of the prompt that leaves a token to be computed. It counts as used. */
  find(scope: Scope, prompt: readonly number[]): { prefix: Prefix; length: number } | null {
    const found = this.#trees.get(nameOf(scope))?.longest(prompt, prompt.length - 1)
    if (!found) return null
    this.#use(found)
    return { prefix: found.value.prefix, length: found.length }
  }

  /**
   * Keeps a prefix that stands for `tokens`, unless there is one already; returns the one that is there. The least
   * recently used ones go if they have to, wherever in the tree they are: of a long conversation the newest ones stay.
   */
  add(scope: Scope, tokens: readonly number[], prefix: Prefix, group: string | null): Prefix {
    const name = nameOf(scope)
    const tree = this.#trees.get(name) ?? new RadixTree<Kept>()
    const before = tree.get(tokens)
    if (before) {
      this.#use(before)
      return before.value.prefix
    }
    const kept: Kept = {
      prefix,
      scope: name,
      group: group === null ? null : `${name}\0${group}`,
      state: prefix.state,
      overhead: ENTRY_BYTES + TOKEN_BYTES * (tokens.length + (prefix.tokens?.length ?? 0)),
      evicted: () => {
        this.#remove(entry)
        this.#evicted()
      },
    }
    if (!this.#cache.fits(kept)) return prefix
    this.#trees.set(name, tree)
    const entry = tree.add(tokens, kept)
    this.#entries.add(entry)
    this.#groupOf(entry)?.add(entry)
    this.#cache.add(kept)
    return prefix
  }

  /** Drops all prefixes of an owner; returns how many there were. */
  clear(owner: string): number {
    let dropped = 0
    for (const entry of this.#entries) {
      if (!entry.value.scope.startsWith(`${owner}\0`)) continue
      this.#cache.drop(entry.value)
      this.#remove(entry)
      dropped++
    }
    return dropped
  }

  #use(entry: Entry<Kept>): void {
    for (const one of this.#groupOf(entry) ?? []) this.#cache.use(one.value)
    this.#cache.use(entry.value)
  }

  /** Takes a prefix out that the cache has let go. */
  #remove(entry: Entry<Kept>): void {
    const { scope, group } = entry.value
    const tree = this.#trees.get(scope)
    tree?.remove(entry)
    if (tree?.empty) this.#trees.delete(scope)
    this.#entries.delete(entry)
    const peers = this.#groupOf(entry)
    peers?.delete(entry)
    if (group !== null && peers?.size === 0) this.#groups.delete(group)
  }

  #groupOf({ value: { group } }: Entry<Kept>): Set<Entry<Kept>> | null {
    if (group === null) return null
    const peers = this.#groups.get(group) ?? new Set()
    this.#groups.set(group, peers)
    return peers
  }
}

function nameOf({ owner, bundle }: Scope): string {
  return `${owner}\0${bundle}`
}
