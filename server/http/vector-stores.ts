/** The endpoints of vector stores: places where files are searched together. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { attachFiles } from '../files/attach.ts'
import { changeObject, findObject } from '../files/objects.ts'
import { DEFAULT_RESULTS, searchFiles, type FoundChunk } from '../files/search-files.ts'
import { expiryOf, findOpenStore, findStore, touch } from '../files/vector-stores.ts'
import { check } from '../openai/body.ts'
import { createStore, listStores, searchStore, updateStore } from '../openai/vector-stores-schema.ts'
import type { StoredObject } from '../store/object-calls.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { fileNotFound, forgetStates } from './files.ts'
import { objectPage } from './object-pages.ts'
import { chunkingOf, storeObject } from './vector-store-objects.ts'

export function vectorStoreEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const idOf = (c: RequestContext): string => c.req.param('id') as string
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores',
      summary: 'Make a vector store',
      body: createStore,
      answer: bodyAnswer(deps, createStore, async (c, request) => {
        const owner = ownerOf(c)
        const files = request.file_ids ?? []
        await requireFiles(deps, owner, files, 'file_ids')
        const created = deps.now()
        const days = request.expires_after?.days ?? null
        const { name, description, metadata } = request
        const about = { name: name ?? '', description: description ?? null, metadata: metadata ?? {} }
        const made: StoredObject<'vector_store'> = {
          kind: 'vector_store',
          parent: '',
          id: newId('vs'),
          label: '',
          tag: '',
          bytes: 0,
          expires: expiryOf(created, days),
          body: { ...about, created, active: created, days },
        }
        await store.addObject(owner, made, null)
        const chunking = chunkingOf(request.chunking_strategy)
        const attached = [...new Set(files)].map((file) => ({ file, attributes: {}, chunking }))
        await attachFiles(deps, owner, made.id, attached, '')
        return storeObject(deps, owner, made)
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores',
      summary: 'List vector stores',
      query: listStores,
      async answer(c) {
        const query = check(listStores, c.req.query())
        const listed = { kind: 'vector_store', parent: '', usual: 20 } as const
        return c.json(await objectPage(deps, ownerOf(c), listed, query, (one) => storeObject(deps, ownerOf(c), one)))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores/:id',
      summary: 'Describe a vector store',
      answer: async (c) => c.json(await storeObject(deps, ownerOf(c), await findStore(deps, ownerOf(c), idOf(c)))),
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores/:id',
      summary: 'Change what is said of a vector store, and when it expires',
      body: updateStore,
      answer: bodyAnswer(deps, updateStore, async (c, { name, metadata, expires_after: expiry }) => {
        const owner = ownerOf(c)
        const { id, body } = await findOpenStore(deps, owner, idOf(c))
        const days = expiry === undefined ? body.days : (expiry?.days ?? null)
        const active = deps.now()
        const changed = await changeObject(store, owner, 'vector_store', id, '', {
          expires: expiryOf(active, days),
          body: {
            ...(name === undefined ? {} : { name: name ?? '' }),
            ...(metadata === undefined ? {} : { metadata: metadata ?? {} }),
            active,
            days,
          },
        })
        return storeObject(deps, owner, changed ?? (await findStore(deps, owner, id)))
      }),
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/vector_stores/:id',
      summary: 'Delete a vector store; files that were put into it stay',
      async answer(c) {
        const [owner, id] = [ownerOf(c), idOf(c)]
        await findStore(deps, owner, id)
        await store.removeObject(owner, { kind: 'vector_store', parent: '', id })
        forgetStates(deps, owner)
        return c.json({ id, object: 'vector_store.deleted', deleted: true })
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores/:id/search',
      summary: 'Find pieces of files by words and by meaning',
      body: searchStore,
      answer: bodyAnswer(deps, searchStore, async (c, request, signal) => {
        const owner = ownerOf(c)
        const found = await findOpenStore(deps, owner, idOf(c))
        const texts = [request.query].flat()
        const chunks = await searchFiles(
          deps,
          owner,
          {
            stores: [found.id],
            texts,
            filter: request.filters ?? null,
            limit: request.max_num_results ?? DEFAULT_RESULTS,
            least: request.ranking_options?.score_threshold ?? 0,
          },
          signal,
        )
        await touch(deps, owner, found)
        const page = { object: 'vector_store.search_results.page', search_query: texts }
        return { ...page, data: chunks.map(resultObject), has_more: false, next_page: null }
      }),
    },
  ]
}

/** Throws ApiError 404 for the first that is not there. */
export async function requireFiles(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  ids: readonly string[],
  param: string,
): Promise<void> {
  for (const [at, id] of ids.entries())
    if (!(await findObject(store, owner, 'file', id))) throw fileNotFound(id, `${param}[${at}]`)
}

function resultObject({ file, name, score, attributes, text }: FoundChunk): object {
  return { file_id: file, filename: name, score, attributes, content: [{ type: 'text', text }] }
}
