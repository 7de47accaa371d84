/** The endpoints of versions: what the memories of a memory store were, and when. */
import type { Deps } from '../deps.ts'
import { findObject } from '../files/objects.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { listVersions, viewQuery } from '../openai/memory-stores-schema.ts'
import type { StoredObject } from '../store/object-calls.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { allObjects, findMemoryStore, isWithin, notFound, pageOf, versionObject } from './memory-store-objects.ts'

export function memoryVersionEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const idOf = (c: RequestContext): string => c.req.param('version') as string
  const storeOf = async (c: RequestContext): Promise<string> =>
    (await findMemoryStore(deps, ownerOf(c), c.req.param('id') as string)).id
  const found = async (c: RequestContext): Promise<StoredObject<'memory_version'>> => {
    const version = await findObject(store, ownerOf(c), 'memory_version', idOf(c), await storeOf(c))
    if (!version) throw notFound('memory version', idOf(c))
    return version
  }
  return [
    {
      ...shared,
      method: 'GET',
      path: '/v1/memory_stores/:id/memory_versions',
      summary: 'List the versions of memories, the newest first',
      query: listVersions,
      async answer(c) {
        const query = check(listVersions, c.req.query())
        const { memory_id: memory = null, operation, view = 'basic' } = query
        const owner = ownerOf(c)
        const all = (await allObjects(deps, owner, 'memory_version', await storeOf(c), memory)).toReversed()
        const isMeant = ({ label, body }: StoredObject<'memory_version'>): boolean =>
          (operation === undefined || label === operation) && isWithin(body.created, query)
        const sorted = all.filter(isMeant).toSorted((a, b) => b.body.created - a.body.created)
        const render = (one: StoredObject<'memory_version'>): Promise<object> => versionObject(deps, owner, one, view)
        return c.json(await pageOf(sorted, ({ id }) => id, query, render))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memory_stores/:id/memory_versions/:version',
      summary: 'Read a version of a memory',
      query: viewQuery,
      async answer(c) {
        const { view = 'full' } = check(viewQuery, c.req.query())
        return c.json(await versionObject(deps, ownerOf(c), await found(c), view))
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/memory_stores/:id/memory_versions/:version/redact',
      summary: 'Delete text, path and hash of a version that is no longer the current one',
      async answer(c) {
        const { parent, id } = await found(c)
        const result = await store.redactVersion(ownerOf(c), { store: parent, id }, deps.now())
        if (result === 'current') {
          const message = 'This is what the memory says now. Change or delete the memory first.'
          throw new ApiError(400, 'version_is_current', message)
        }
        return c.json(await versionObject(deps, ownerOf(c), await found(c), 'full'))
      },
    },
  ]
}
