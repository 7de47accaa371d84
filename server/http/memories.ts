/** The endpoints of memories: what a tenant wants remembered across conversations. */
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { forget, receiptObject, type FullReceipt } from '../forget.ts'
import { DEFAULT_NAMESPACE, recall, remember, rewrite, type NewMemory } from '../memory/memories.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import {
  addMemories,
  changeMemory,
  deleteMemories,
  deleteMemory,
  listMemories,
  searchMemories,
} from '../openai/memories-schema.ts'
import type { EraseTarget } from '../store/erase-calls.ts'
import type { Memory } from '../store/memory-calls.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'

const DEFAULT_RESULTS = 10
const DEFAULT_PAGE = 20

export function memoryEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const idOf = (c: RequestContext): string => c.req.param('id') as string
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/memories',
      summary: 'Remember texts across conversations',
      body: addMemories,
      answer: bodyAnswer(deps, addMemories, async (c, request, signal) => {
        const data: object[] = []
        for (const given of newMemories(request)) {
          const { memory, added } = await remember(deps, ownerOf(c), given, signal)
          data.push({ ...memoryObject(memory), event: added ? 'added' : 'known' })
        }
        return { object: 'list', data }
      }),
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/memories/search',
      summary: 'Find memories by words and by meaning',
      body: searchMemories,
      answer: bodyAnswer(deps, searchMemories, async (c, request, signal) => {
        const { namespace, user_id: user, metadata, query: text, limit, top_k: topK, include_ended: ended } = request
        const where = { namespace: namespace ?? DEFAULT_NAMESPACE, user: user ?? null, metadata: metadata ?? {} }
        const asked = { ...where, text, ended: ended ?? false }
        const most = limit ?? topK ?? DEFAULT_RESULTS
        const { hits, embedder } = await recall(deps, ownerOf(c), { ...asked, limit: most }, signal)
        const data = hits.map(({ memory, score, words, similarity, topic }) => ({
          ...memoryObject(memory),
          score,
          word_score: words,
          similarity,
          topic_score: topic,
        }))
        return { object: 'list', data, embedder }
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memories',
      summary: 'List memories',
      query: listMemories,
      async answer(c) {
        const { namespace, user_id: user, limit, order, after } = check(listMemories, c.req.query())
        const most = limit ?? DEFAULT_PAGE
        const filter = { namespace: namespace ?? null, user: user ?? null }
        if (after != null) await found(c, after, 'after')
        const page = { ...filter, limit: most + 1, after: after ?? null, order: order ?? 'desc' }
        const rows = await store.listMemories(ownerOf(c), page)
        const data = rows.slice(0, most).map(memoryObject)
        const ends = { first_id: rows[0]?.id ?? null, last_id: rows.slice(0, most).at(-1)?.id ?? null }
        return c.json({ object: 'list', data, ...ends, has_more: rows.length > most })
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/memories',
      summary: 'Delete the memories of a namespace or a user, with their history',
      query: deleteMemories,
      async answer(c) {
        const { namespace, user_id: user, ...options } = check(deleteMemories, c.req.query())
        const filter = { namespace: namespace ?? null, user: user ?? null }
        const receipt = (await erase(c, { kind: 'memories', filter }, options))!
        const deleted = receipt.memories.length
        return c.json({ object: 'memory.deleted', deleted, receipt: receiptObject(receipt) })
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memories/namespaces',
      summary: 'List the namespaces that have memories',
      async answer(c) {
        return c.json({ object: 'list', data: await store.memoryNamespaces(ownerOf(c)) })
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memories/:id',
      summary: 'Read a memory',
      async answer(c) {
        const memory = await found(c, idOf(c), null)
        const { into, members } = (await store.memoryGroup(ownerOf(c), memory.id)) ?? { into: null, members: [] }
        const behind = members.map(({ id, text }) => ({ id, text }))
        return c.json({ ...memoryObject(memory), consolidated_into: into, members: behind })
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/memories/:id',
      summary: 'Change a memory; its history keeps what it said',
      body: changeMemory,
      answer: bodyAnswer(deps, changeMemory, async (c, { text, metadata, expires_at: expires }, signal) => {
        const given = {
          ...(text == null ? {} : { text }),
          ...(metadata == null ? {} : { metadata }),
          ...(expires === undefined ? {} : { expires: expires === null ? null : expires * 1000 }),
        }
        const memory = await rewrite(deps, ownerOf(c), idOf(c), given, signal)
        if (memory === 'unknown') throw notFound(idOf(c), null)
        if (memory === 'taken')
          throw new ApiError(409, 'memory_exists', 'Another memory of this user and namespace says that already.', {
            param: 'text',
          })
        return memoryObject(memory)
      }),
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/memories/:id',
      summary: 'Delete a memory and its history',
      query: deleteMemory,
      async answer(c) {
        const id = idOf(c)
        const receipt = await erase(c, { kind: 'memory', id }, check(deleteMemory, c.req.query()))
        if (!receipt) throw notFound(id, null)
        return c.json({ id, object: 'memory', deleted: true, receipt: receiptObject(receipt) })
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/memories/:id/history',
      summary: 'Read what a memory said, and when',
      async answer(c) {
        const events = await store.memoryHistory(ownerOf(c), idOf(c))
        if (!events) throw notFound(idOf(c), null)
        const data = events.map(({ kind, time, text, metadata }) => ({
          object: 'memory.event',
          event: kind,
          text,
          metadata,
          created_at: secondsOf(time),
        }))
        return c.json({ object: 'list', data })
      },
    },
  ]

  function erase(
    c: RequestContext,
    target: EraseTarget,
    { source, cascade }: z.output<typeof deleteMemory>,
  ): Promise<FullReceipt | null> {
    const options = { source: source === 'true', cascade: cascade === 'true' }
    return forget(deps, ownerOf(c), target, options, c.req.raw.signal)
  }

  async function found(c: RequestContext, id: string, param: string | null): Promise<Memory> {
    const memory = await store.findMemory(ownerOf(c), id)
    if (!memory) throw notFound(id, param)
    return memory
  }
}

/** One memory of a text; of messages one of each that a user wrote. */
function newMemories({ text, messages, ...where }: z.output<typeof addMemories>): NewMemory[] {
  const { namespace, user_id: user, metadata, expires_at: expires } = where
  const said = (messages ?? []).filter(({ role, content }) => role === 'user' && content.trim() !== '')
  const texts = text == null ? said.map(({ content }) => content) : [text]
  return texts.map((one) => ({
    namespace: namespace ?? DEFAULT_NAMESPACE,
    user: user ?? null,
    text: one,
    metadata: metadata ?? {},
    expires: expires == null ? null : expires * 1000,
  }))
}

function memoryObject(memory: Memory): object {
  const { id, namespace, user, text, metadata, created, updated, expires, source, fact, ended } = memory
  return {
    id,
    object: 'memory',
    namespace,
    user_id: user,
    text,
    metadata,
    created_at: secondsOf(created),
    updated_at: secondsOf(updated),
    expires_at: expires === null ? null : secondsOf(expires),
    ended_at: ended === null ? null : secondsOf(ended),
    fact,
    source: source && {
      response_id: source.response,
      conversation: source.conversation,
      start: source.start,
      end: source.end,
    },
  }
}

const secondsOf = (time: number): number => Math.floor(time / 1000)

function notFound(id: string, param: string | null): ApiError {
  const message = `There is no memory '${id.slice(0, 100)}'.`
  return new ApiError(404, 'memory_not_found', message, param === null ? {} : { param })
}
