/** Deletions in a store, in few words. */
import type { EraseTarget } from '../../server/store/erase-calls.ts'
import type { MemoryFilter } from '../../server/store/memory-calls.ts'
import type { Store } from '../../server/store/store.ts'

type Erasing = Pick<Store, 'erase'>

const ALONE = { source: false, cascade: false, force: false }

/** What came of deleting a response; ids: these can only be rebuilt through it, so it is still there. */
export async function removeTurn(
  store: Erasing,
  owner: string,
  id: string,
  force: boolean,
): Promise<'removed' | 'unknown' | readonly string[]> {
  const erased = await store.erase(owner, { kind: 'response', id }, { ...ALONE, force })
  if (erased === 'unknown') return 'unknown'
  return 'needed' in erased ? erased.needed : 'removed'
}

/** How many memories were deleted. */
export async function removeMemories(store: Erasing, owner: string, chosen: string | MemoryFilter): Promise<number> {
  const target: EraseTarget =
    typeof chosen === 'string' ? { kind: 'memory', id: chosen } : { kind: 'memories', filter: chosen }
  const erased = await store.erase(owner, target, ALONE)
  return typeof erased === 'object' && 'memories' in erased ? erased.memories.length : 0
}
