/** The endpoints of memory stores: Anthropic's shape of memory, texts at paths with versions. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { changeObject } from '../files/objects.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { createMemoryStore, listMemoryStores, updateMemoryStore } from '../openai/memory-stores-schema.ts'
import type { StoredObject } from '../store/object-calls.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { forgetStates } from './files.ts'
import { allObjects, findMemoryStore, findOpenMemoryStore } from './memory-store-objects.ts'
import { isWithin, memoryStoreObject, pageOf } from './memory-store-objects.ts'

const MAX_PAIRS = 16

export function memoryStoreEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const idOf = (c: RequestContext): string => c.req.param('id') as string
  const change = async (
    c: RequestContext,
    body: Partial<StoredObject<'memory_store'>['body']>,
  ): Promise<StoredObject<'memory_store'>> => {
    const changed = await changeObject(store, ownerOf(c), 'memory_store', idOf(c), '', { body })
    return changed ?? findMemoryStore(deps, ownerOf(c), idOf(c))
  }
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/memory_stores',
      summary: 'Make a memory store',
      body: createMemoryStore,
      answer: bodyAnswer(deps, createMemoryStore, async (c, { name, description, metadata }) => {
        const created = deps.now()
        const times = { created, updated: created, archived: null }
        const body = { name, description: description ?? '', metadata: stringsOf(metadata ?? {}), ...times }
        const key = { kind: 'memory_store', parent: '', id: newId('memstore') } as const
        const made: StoredObject<'memory_store'> = { ...key, label: '', tag: '', bytes: 0, expires: null, body }
        await store.addObject(ownerOf(c), made, null)
        return memoryStoreObject(made)
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memory_stores',
      summary: 'List memory stores',
      query: listMemoryStores,
      async answer(c) {
        const query = check(listMemoryStores, c.req.query())
        const all = (await allObjects(deps, ownerOf(c), 'memory_store', '')).toReversed()
        const isMeant = ({ body }: StoredObject<'memory_store'>): boolean =>
          (query.include_archived === 'true' || body.archived === null) && isWithin(body.created, query)
        return c.json(
          await pageOf(
            all.filter(isMeant),
            ({ id }) => id,
            query,
            async (one) => memoryStoreObject(one),
          ),
        )
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memory_stores/:id',
      summary: 'Describe a memory store',
      answer: async (c) => c.json(memoryStoreObject(await findMemoryStore(deps, ownerOf(c), idOf(c)))),
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/memory_stores/:id',
      summary: 'Change what is said of a memory store',
      body: updateMemoryStore,
      answer: bodyAnswer(deps, updateMemoryStore, async (c, { name, description, metadata }) => {
        const { body } = await findOpenMemoryStore(deps, ownerOf(c), idOf(c))
        const pairs = stringsOf({ ...body.metadata, ...metadata })
        if (Object.keys(pairs).length > MAX_PAIRS)
          throw new ApiError(400, 'invalid_value', `'metadata': expected at most ${MAX_PAIRS} pairs.`, {
            param: 'metadata',
          })
        const said = { name: name ?? body.name, description: description ?? body.description, metadata: pairs }
        return memoryStoreObject(await change(c, { ...said, updated: deps.now() }))
      }),
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/memory_stores/:id/archive',
      summary: 'Archive a memory store: from then on it is only read and deleted',
      async answer(c) {
        const { body } = await findMemoryStore(deps, ownerOf(c), idOf(c))
        const time = deps.now()
        const archived = { archived: body.archived ?? time, updated: body.archived === null ? time : body.updated }
        return c.json(memoryStoreObject(await change(c, archived)))
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/memory_stores/:id',
      summary: 'Delete a memory store with its memories and versions',
      async answer(c) {
        const { id } = await findMemoryStore(deps, ownerOf(c), idOf(c))
        await store.removeObject(ownerOf(c), { kind: 'memory_store', parent: '', id })
        forgetStates(deps, ownerOf(c))
        return c.json({ id, type: 'memory_store_deleted' })
      },
    },
  ]
}

/** The pairs without those that are null. */
function stringsOf(pairs: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(pairs).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
}
