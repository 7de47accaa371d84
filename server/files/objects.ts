/** The store's objects with the types of their kinds. */
import type { ObjectChange, ObjectKind, ObjectPage, StoredObject } from '../store/object-calls.ts'
import type { Store } from '../store/store.ts'

type ObjectStore = Pick<Store, 'findObject' | 'listObjects' | 'changeObject'>

/** What the store answers is of the kind that was asked for. */
export async function findObject<K extends ObjectKind>(
  store: ObjectStore,
  owner: string,
  kind: K,
  id: string,
  parent = '',
): Promise<StoredObject<K> | null> {
  return (await store.findObject(owner, { kind, parent, id })) as StoredObject<K> | null
}

/** A page from the beginning, of all labels and tags, unless `page` says otherwise. */
export async function listObjects<K extends ObjectKind>(
  store: ObjectStore,
  owner: string,
  kind: K,
  parent: string,
  page: Partial<ObjectPage> & Pick<ObjectPage, 'limit'>,
): Promise<StoredObject<K>[]> {
  const whole = { label: null, tag: null, after: null, before: null, order: 'asc' } as const
  return (await store.listObjects(owner, { ...whole, ...page, kind, parent })) as StoredObject<K>[]
}

export async function changeObject<K extends ObjectKind>(
  store: ObjectStore,
  owner: string,
  kind: K,
  id: string,
  parent: string,
  change: ObjectChange<K>,
): Promise<StoredObject<K> | null> {
  return (await store.changeObject(owner, { kind, parent, id }, change)) as StoredObject<K> | null
}
