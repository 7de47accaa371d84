/** Prefixes in memory, by owner and bundle, within a budget of bytes. */
import { bytesOfState } from '../checkpoint.ts'
import type { Prefix, Scope } from './prefix.ts'
import { RadixTree, type Entry } from './radix-tree.ts'

/** Besides the state: nodes, entries and what else an entry takes, in bytes; and of a token. */
const ENTRY_BYTES = 512
const TOKEN_BYTES = 4

const NOTHING = new Uint8Array(0)

interface Kept {
  readonly prefix: Prefix
  readonly scope: string
  /** What was given as prompt_cache_key: prefixes of a group are used together. */
  readonly group: string | null
  readonly bytes: number
}

export class MemoryTier {
  readonly #budget: number
  readonly #evicted: () => void
  readonly #trees = new Map<string, RadixTree<Kept>>()
  /** From the least recently used to the most recently used one. */
  readonly #order = new Set<Entry<Kept>>()
  readonly #groups = new Map<string, Set<Entry<Kept>>>()
  /** How many prefixes share each page. */
  readonly #pages = new Map<Uint8Array, number>()
  #bytes = 0

  /** Keeps at most `budget` bytes; `evicted` is called for each prefix that goes for want of room. */
  constructor(budget: number, evicted: () => void) {
    this.#budget = budget
    this.#evicted = evicted
  }

  get bytes(): number {
    return this.#bytes
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
    const bytes =
      ENTRY_BYTES + prefix.state.fixed.byteLength + TOKEN_BYTES * (tokens.length + (prefix.tokens?.length ?? 0))
    if (bytes + bytesOfState({ ...prefix.state, fixed: NOTHING }) > this.#budget) return prefix
    this.#trees.set(name, tree)
    const entry = tree.add(tokens, { prefix, scope: name, group: group === null ? null : `${name}\0${group}`, bytes })
    this.#bytes += bytes
    for (const page of prefix.state.pages) this.#hold(page)
    this.#order.add(entry)
    this.#groupOf(entry)?.add(entry)
    this.#shrink()
    return prefix
  }

  /** Drops all prefixes of an owner. */
  clear(owner: string): void {
    for (const entry of this.#order) if (entry.value.scope.startsWith(`${owner}\0`)) this.#drop(entry)
  }

  #use(entry: Entry<Kept>): void {
    for (const one of this.#groupOf(entry) ?? []) this.#toEnd(one)
    this.#toEnd(entry)
  }

  #toEnd(entry: Entry<Kept>): void {
    this.#order.delete(entry)
    this.#order.add(entry)
  }

  #shrink(): void {
    for (const entry of this.#order) {
      if (this.#bytes <= this.#budget) return
      this.#drop(entry)
      this.#evicted()
    }
  }

  #drop(entry: Entry<Kept>): void {
    const { prefix, scope, group, bytes } = entry.value
    const tree = this.#trees.get(scope)
    tree?.remove(entry)
    if (tree?.empty) this.#trees.delete(scope)
    this.#order.delete(entry)
    const peers = this.#groupOf(entry)
    peers?.delete(entry)
    if (group !== null && peers?.size === 0) this.#groups.delete(group)
    this.#bytes -= bytes
    for (const page of prefix.state.pages) this.#release(page)
  }

  #groupOf({ value: { group } }: Entry<Kept>): Set<Entry<Kept>> | null {
    if (group === null) return null
    const peers = this.#groups.get(group) ?? new Set()
    this.#groups.set(group, peers)
    return peers
  }

  #hold(page: Uint8Array): void {
    const holders = this.#pages.get(page) ?? 0
    if (holders === 0) this.#bytes += page.byteLength
    this.#pages.set(page, holders + 1)
  }

  #release(page: Uint8Array): void {
    const holders = (this.#pages.get(page) ?? 1) - 1
    if (holders > 0) this.#pages.set(page, holders)
    else if (this.#pages.delete(page)) this.#bytes -= page.byteLength
  }
}

function nameOf({ owner, bundle }: Scope): string {
  return `${owner}\0${bundle}`
}
