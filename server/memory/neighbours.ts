/** What a user told before and after a memory. */
import type { Deps } from '../deps.ts'
import type { Memory } from '../store/memory-calls.ts'

/** What its user told before and after a memory, nearest first. */
export interface Neighbours {
  /** The memory itself; null for what was only said in this conversation. */
  readonly own: Memory | null
  readonly before: readonly Memory[]
  readonly after: readonly Memory[]
}

/** Memories next to one of the same user: what was said in the next sentences, or soon before and after. */
const NEAR = 8

/** Whose memories. */
export interface Whose {
  readonly namespace: string
  /** Null: of nobody in particular. */
  readonly user: string | null
}

export function toldAround(
  store: Deps['store'],
  owner: string,
  { namespace, user }: Whose,
): (id: string) => Promise<Neighbours> {
  const list = async (after: string, order: 'asc' | 'desc') =>
    store.listMemories(owner, { namespace, user: user ?? '', limit: NEAR, after, order })
  return async (id) => {
    // What was only said in this conversation is no memory.
    const memory = await store.findMemory(owner, id)
    if (!memory) return { own: null, before: [], after: [] }
    const [before, after] = await Promise.all([list(id, 'desc'), list(id, 'asc')])
    return { own: memory, before, after }
  }
}
