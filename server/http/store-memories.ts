/** The endpoints of the memories in memory stores. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { AUTO_CHUNKING, cutChunks } from '../files/chunks.ts'
import { chunkOf } from '../files/index-file.ts'
import { findObject } from '../files/objects.ts'
import { embedTold } from '../memory/memories.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import {
  createStoreMemory,
  deleteStoreMemory,
  listStoreMemories,
  updateStoreMemory,
  viewQuery,
} from '../openai/memory-stores-schema.ts'
import type { StoreMemoryProblem } from '../store/memory-store-calls.ts'
import { ownerOfChunks, type StoredObject } from '../store/object-calls.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { forgetStates } from './files.ts'
import { allObjects, findMemoryStore, findOpenMemoryStore } from './memory-store-objects.ts'
import { notFound, pageOf, storeMemoryObject } from './memory-store-objects.ts'

type StoreMemory = StoredObject<'store_memory'>

export function storeMemoryEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const idOf = (c: RequestContext): string => c.req.param('memory') as string
  const storeOf = async (c: RequestContext, isWritten: boolean): Promise<string> => {
    const find = isWritten ? findOpenMemoryStore : findMemoryStore
    return (await find(deps, ownerOf(c), c.req.param('id') as string)).id
  }
  /** Writes a text at a path. What is given as null stays as it is. */
  const write = async (
    c: RequestContext,
    id: string | null,
    { path, text, expected }: { path: string | null; text: string | null; expected: string | null },
  ): Promise<object> => {
    const { view = 'basic' } = check(viewQuery, c.req.query())
    const [owner, into] = [ownerOf(c), await storeOf(c, true)]
    const memory = id ?? newId('mem')
    const pieces = text === null ? [] : cutChunks(text, AUTO_CHUNKING)
    const written = await store.writeStoreMemory(owner, {
      store: into,
      id: memory,
      isNew: id === null,
      path,
      text,
      expected,
      version: newId('memver'),
      time: deps.now(),
      chunks: pieces.map((piece) => chunkOf(deps, into, memory, piece)),
    })
    if ('problem' in written) throw refusalOf(written, memory)
    void embedTold(deps, ownerOfChunks(owner), written.chunks)
    return storeMemoryObject(deps, owner, written.memory as StoreMemory, view)
  }
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/memory_stores/:id/memories',
      summary: 'Write a text at a path of a memory store',
      body: createStoreMemory,
      query: viewQuery,
      answer: afterQuery(
        bodyAnswer(deps, createStoreMemory, (c, { path, content }) =>
          write(c, null, { path, text: content ?? '', expected: null }),
        ),
      ),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memory_stores/:id/memories',
      summary: 'List the memories of a memory store, by path',
      query: listStoreMemories,
      async answer(c) {
        const query = check(listStoreMemories, c.req.query())
        const { path_prefix: prefix = '/', depth, view = 'basic' } = query
        const owner = ownerOf(c)
        const all = await allObjects(deps, owner, 'store_memory', await storeOf(c, false))
        const below = all.filter(({ label }) => label.startsWith(prefix))
        const items = depth === '1' ? rolledUp(below, prefix) : below
        const sorted = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
        const render = async (item: StoreMemory | string): Promise<object> =>
          typeof item === 'string' ? { type: 'memory_prefix', path: item } : storeMemoryObject(deps, owner, item, view)
        return c.json(await pageOf(sorted, keyOf, query, render))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memory_stores/:id/memories/:memory',
      summary: 'Read a memory of a memory store',
      query: viewQuery,
      async answer(c) {
        const { view = 'full' } = check(viewQuery, c.req.query())
        const found = await findObject(store, ownerOf(c), 'store_memory', idOf(c), await storeOf(c, false))
        if (!found) throw notFound('memory', idOf(c))
        return c.json(await storeMemoryObject(deps, ownerOf(c), found, view))
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/memory_stores/:id/memories/:memory',
      summary: 'Change text or path of a memory; its versions keep what it was',
      body: updateStoreMemory,
      query: viewQuery,
      answer: afterQuery(
        bodyAnswer(deps, updateStoreMemory, (c, { path, content, precondition }) =>
          write(c, idOf(c), {
            path: path ?? null,
            text: content ?? null,
            expected: precondition?.content_sha256 ?? null,
          }),
        ),
      ),
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/memory_stores/:id/memories/:memory',
      summary: 'Delete a memory, and the text of all its versions',
      query: deleteStoreMemory,
      async answer(c) {
        const { expected_content_sha256: expected = null } = check(deleteStoreMemory, c.req.query())
        const [id, from] = [idOf(c), await storeOf(c, false)]
        const how = { expected, version: newId('memver'), time: deps.now() }
        const result = await store.removeStoreMemory(ownerOf(c), { store: from, id }, how)
        if (result !== 'removed') throw refusalOf({ problem: result }, id)
        forgetStates(deps, ownerOf(c))
        return c.json({ id, type: 'memory_deleted' })
      },
    },
  ]
}

/** The answer once the query has been checked, before the body is read. */
function afterQuery(answer: (c: RequestContext) => Promise<Response>): Endpoint['answer'] {
  return (c) => {
    check(viewQuery, c.req.query())
    return answer(c)
  }
}

/** The memories right below a prefix, and one prefix for each folder of deeper ones. */
function rolledUp(memories: readonly StoreMemory[], prefix: string): (StoreMemory | string)[] {
  const direct = memories.filter(({ label }) => !label.slice(prefix.length).includes('/'))
  const deeper = memories.filter(({ label }) => label.slice(prefix.length).includes('/'))
  const folders = deeper.map(({ label }) => label.slice(0, label.indexOf('/', prefix.length) + 1))
  return [...direct, ...new Set(folders)]
}

function keyOf(item: StoreMemory | string): string {
  return typeof item === 'string' ? item : item.label
}

function refusalOf(problem: StoreMemoryProblem, id: string): ApiError {
  if ('path' in problem) {
    const type = 'memory_path_conflict_error'
    const message = `'path': there is a memory at ${problem.path}. Rename or delete it, or change it instead.`
    const fields = { type, conflicting_memory_id: problem.id, conflicting_path: problem.path }
    return new ApiError(409, type, message, { param: 'path', fields })
  }
  if (problem.problem === 'unknown') return notFound('memory', id)
  const type = 'memory_precondition_failed_error'
  const message = 'The memory has another text than the precondition says. Read it, and try again.'
  return new ApiError(409, type, message, { fields: { type } })
}
