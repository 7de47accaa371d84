/** Forgetting: what is deleted goes from the store, from states in memory and from what is kept of prompts, with a receipt. */
import { rebuildAll } from './conversation.ts'
import type { Deps } from './deps.ts'
import type { EraseOptions, EraseTarget, Receipt } from './store/erase-calls.ts'

/** A receipt with the states of prompts that went: any of them may have read what was deleted. */
export interface FullReceipt extends Receipt {
  readonly prefixes: number
}

const NOTHING: Receipt = {
  memories: [],
  responses: [],
  index: { words: 0, vectors: 0, history: 0, uses: 0 },
  states: 0,
  pages: 0,
  alike: [],
  repeatedBy: [],
  sources: [],
  followedBy: [],
}

/** Deletes for good; null where there is no such thing. What can only be rebuilt through it is rebuilt first. */
export async function forget(
  deps: Deps,
  owner: string,
  target: EraseTarget,
  options: Omit<EraseOptions, 'force'>,
  signal: AbortSignal,
): Promise<FullReceipt | null> {
  // A turn that is being made in it is not stored any more.
  const named = target.kind === 'conversation' ? await removeConversation(deps, owner, target.id) : 0
  // What follows has a state of its own by then, and need not be rebuilt.
  await deps.following.allSettled(owner)
  let erased = await deps.store.erase(owner, target, { ...options, force: false })
  while (typeof erased === 'object' && 'needed' in erased) {
    const force = !(await rebuildAll(deps, owner, erased.needed, signal))
    erased = await deps.store.erase(owner, target, { ...options, force })
  }
  if (erased === 'unknown' && named === 0) return null
  if (erased === 'unknown') return { ...NOTHING, prefixes: 0 }
  // What was made meanwhile of a turn that is gone.
  await deps.following.allSettled(owner)
  for (const id of erased.responses) deps.recent?.delete(id)
  const prefixes = await forgetPrompts(deps, owner)
  const { memories, responses } = erased
  deps.metrics.erased.inc({ what: 'memory' }, memories.length)
  deps.metrics.erased.inc({ what: 'response' }, responses.length)
  return { ...erased, prefixes }
}

/** What is kept of a conversation besides its turns. */
function removeConversation({ store }: Deps, owner: string, id: string): Promise<number> {
  return store.removeObject(owner, { kind: 'conversation', parent: '', id })
}

/** Drops what is kept of an owner's prompts, in memory, on disk, and where engines compute; returns how many states that were. */
export async function forgetPrompts(deps: Deps, owner: string): Promise<number> {
  for (const { engine } of deps.models) engine.forget(owner)
  // Without a cache there may still be what an earlier one left on disk.
  return deps.prefixes ? deps.prefixes.clear(owner) : deps.store.clearPrefixes(owner)
}

/** A receipt as it is answered. */
export function receiptObject(receipt: FullReceipt): object {
  const { memories, responses, index, states, pages, prefixes, alike, repeatedBy, followedBy, sources } = receipt
  const { memoryStore } = receipt
  const stays = { alike, repeated_by: repeatedBy, followed_by: followedBy, sources }
  const where = memoryStore ? { memory_store: memoryStore } : {}
  return { memories, responses, index_rows: index, states, pages, prefixes, ...stays, ...where }
}
