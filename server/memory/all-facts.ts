/** All facts of a user, which every reply is checked against: they are read again only where their namespace has changed. */
import type { FactQuery, Memory } from '../store/memory-calls.ts'
import type { Store } from '../store/store.ts'

/** Users whose facts are kept in memory; those that were asked for longest ago give way. */
const MOST_USERS = 16

type FactStore = Pick<Store, 'factsOf' | 'changesOf'>

interface KeptFacts {
  readonly changes: number
  readonly facts: readonly Memory[]
}

const keptOf = new WeakMap<FactStore, Map<string, KeptFacts>>()

/** Also those that do not hold any more; told last first. */
export async function allFacts(
  store: FactStore,
  owner: string,
  { namespace, user, limit }: Pick<FactQuery, 'namespace' | 'user' | 'limit'>,
): Promise<readonly Memory[]> {
  const kept = keptOf.get(store) ?? new Map<string, KeptFacts>()
  keptOf.set(store, kept)
  const key = JSON.stringify([owner, namespace, user, limit])
  // Before the facts are read: what changes in between is read again the next time.
  const changes = await store.changesOf(owner, namespace)
  const known = kept.get(key)
  kept.delete(key)
  const isSame = known !== undefined && known.changes === changes
  const facts = isSame ? known.facts : await store.factsOf(owner, { namespace, user, topics: null, ended: true, limit })
  // What expires goes without a change.
  if (changes === null || facts.some(({ expires }) => expires !== null)) return facts
  kept.set(key, { changes, facts })
  for (const oldest of kept.keys()) if (kept.size > MOST_USERS) kept.delete(oldest)
  return facts
}
