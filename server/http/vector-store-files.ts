/** The endpoints of files in vector stores, one by one and in batches. */
import type { z } from 'zod'
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { attachFiles, type NewAttachment } from '../files/attach.ts'
import { fileText } from '../files/file-text.ts'
import { changeObject, findObject, listObjects } from '../files/objects.ts'
import { findOpenStore, findStore, touch } from '../files/vector-stores.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { attachFile, createBatch, listStoreFiles, updateFile } from '../openai/vector-stores-schema.ts'
import { IN_PROGRESS, type StoredObject } from '../store/object-calls.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { fileNotFound, forgetStates, secondsOf } from './files.ts'
import { objectPage } from './object-pages.ts'
import { chunkingOf, countsOf, findStoreFile, storeFileObject } from './vector-store-objects.ts'
import { requireFiles } from './vector-stores.ts'

/** When a client that waits for a file should ask again, in OpenAI's header, in milliseconds. */
const POLL_AFTER = { 'openai-poll-after-ms': '250' }
const MAX_BATCH = 500

export function vectorStoreFileEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const storeIdOf = (c: RequestContext): string => c.req.param('id') as string
  const foundFile = async (c: RequestContext): Promise<StoredObject<'vector_store_file'>> => {
    await findStore(deps, ownerOf(c), storeIdOf(c))
    return findStoreFile(deps, ownerOf(c), storeIdOf(c), c.req.param('file') as string)
  }
  const foundBatch = async (c: RequestContext): Promise<StoredObject<'file_batch'>> => {
    await findStore(deps, ownerOf(c), storeIdOf(c))
    const id = c.req.param('batch') as string
    const batch = await findObject(store, ownerOf(c), 'file_batch', id, storeIdOf(c))
    if (batch) return batch
    const message = `No batch '${id.slice(0, 100)}' in this vector store.`
    throw new ApiError(404, 'file_batch_not_found', message, { param: 'batch_id' })
  }
  const listed = async (c: RequestContext, tag: string | null): Promise<Response> => {
    const { filter, ...query } = check(listStoreFiles, c.req.query())
    const list = { kind: 'vector_store_file', parent: storeIdOf(c), label: filter ?? null, tag, usual: 20 } as const
    return c.json(await objectPage(deps, ownerOf(c), list, query, storeFileObject))
  }
  const batchAnswer = async (c: RequestContext, batch: StoredObject<'file_batch'>): Promise<object> => {
    const { id, parent, label, body } = batch
    const counts = countsOf(await store.countObjects(ownerOf(c), 'vector_store_file', parent, id))
    const status = label === 'cancelled' ? label : counts.in_progress > 0 ? 'in_progress' : 'completed'
    return {
      id,
      object: 'vector_store.files_batch',
      created_at: secondsOf(body.created),
      vector_store_id: parent,
      status,
      file_counts: counts,
    }
  }
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores/:id/files',
      summary: 'Put a file into a vector store',
      body: attachFile,
      answer: bodyAnswer(deps, attachFile, async (c, request) => {
        const owner = ownerOf(c)
        const into = await findOpenStore(deps, owner, storeIdOf(c))
        const file = request.file_id
        if (!(await findObject(store, owner, 'file', file))) throw fileNotFound(file, 'file_id')
        await attachFiles(deps, owner, into.id, [attachmentOf(request)], '')
        await touch(deps, owner, into)
        return storeFileObject(await findStoreFile(deps, owner, into.id, file))
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores/:id/files',
      summary: 'List the files of a vector store',
      query: listStoreFiles,
      async answer(c) {
        check(listStoreFiles, c.req.query())
        await findStore(deps, ownerOf(c), storeIdOf(c))
        return listed(c, null)
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores/:id/files/:file',
      summary: 'Describe a file of a vector store',
      async answer(c) {
        const file = await foundFile(c)
        return c.json(storeFileObject(file), 200, file.label === IN_PROGRESS ? POLL_AFTER : {})
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores/:id/files/:file',
      summary: 'Change the attributes of a file in a vector store',
      body: updateFile,
      answer: bodyAnswer(deps, updateFile, async (c, { attributes }) => {
        const { id, parent } = await foundFile(c)
        const body = { attributes: attributes ?? {} }
        const changed = await changeObject(store, ownerOf(c), 'vector_store_file', id, parent, { body })
        return storeFileObject(changed ?? (await findStoreFile(deps, ownerOf(c), parent, id)))
      }),
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/vector_stores/:id/files/:file',
      summary: 'Take a file out of a vector store; the file itself stays',
      async answer(c) {
        const { kind, parent, id } = await foundFile(c)
        await store.removeObject(ownerOf(c), { kind, parent, id })
        forgetStates(deps, ownerOf(c))
        return c.json({ id, object: 'vector_store.file.deleted', deleted: true })
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores/:id/files/:file/content',
      summary: 'Read the text of a file in a vector store',
      async answer(c) {
        const { id } = await foundFile(c)
        const file = await findObject(store, ownerOf(c), 'file', id)
        const content = file && (await store.objectContent(ownerOf(c), { kind: 'file', parent: '', id }))
        if (!content) throw fileNotFound(id, 'file_id')
        const data = [{ type: 'text', text: fileText(file.body.name, content) }]
        return c.json({ object: 'vector_store.file_content.page', data, has_more: false, next_page: null })
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores/:id/file_batches',
      summary: 'Put several files into a vector store',
      body: createBatch,
      answer: bodyAnswer(deps, createBatch, async (c, request) => {
        const owner = ownerOf(c)
        const into = await findOpenStore(deps, owner, storeIdOf(c))
        const files = attachmentsOf(request)
        await requireFiles(
          deps,
          owner,
          files.map(({ file }) => file),
          request.files ? 'files' : 'file_ids',
        )
        const key = { kind: 'file_batch', parent: into.id, id: newId('vsfb') } as const
        const batch = { ...key, label: '', tag: '', bytes: 0, expires: null, body: { created: deps.now() } }
        await store.addObject(owner, batch, null)
        await attachFiles(deps, owner, into.id, files, batch.id)
        await touch(deps, owner, into)
        return batchAnswer(c, batch)
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores/:id/file_batches/:batch',
      summary: 'Describe a batch of files',
      async answer(c) {
        const batch = await foundBatch(c)
        return c.json(await batchAnswer(c, batch), 200, POLL_AFTER)
      },
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/vector_stores/:id/file_batches/:batch/cancel',
      summary: 'Give up on the files of a batch that are not indexed yet',
      async answer(c) {
        const owner = ownerOf(c)
        const batch = await foundBatch(c)
        const page = { tag: batch.id, label: IN_PROGRESS, limit: MAX_BATCH }
        const waiting = await listObjects(store, owner, 'vector_store_file', batch.parent, page)
        for (const { id } of waiting) await store.dropChunks(owner, { store: batch.parent, file: id }, 'cancelled')
        const label = waiting.length > 0 ? 'cancelled' : batch.label
        await changeObject(store, owner, 'file_batch', batch.id, batch.parent, { label })
        return c.json(await batchAnswer(c, { ...batch, label }))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/vector_stores/:id/file_batches/:batch/files',
      summary: 'List the files of a batch',
      query: listStoreFiles,
      async answer(c) {
        check(listStoreFiles, c.req.query())
        return listed(c, (await foundBatch(c)).id)
      },
    },
  ]
}

function attachmentOf(request: z.output<typeof attachFile>): NewAttachment {
  const { file_id: file, attributes, chunking_strategy: chunking } = request
  return { file, attributes: attributes ?? {}, chunking: chunkingOf(chunking) }
}

/** Of a file that is named twice the last. */
function attachmentsOf(request: z.output<typeof createBatch>): NewAttachment[] {
  const { file_ids: ids, files, attributes, chunking_strategy: chunking } = request
  const each = files ?? (ids ?? []).map((id) => ({ file_id: id, attributes, chunking_strategy: chunking }))
  return [...new Map(each.map((one) => [one.file_id, attachmentOf(one)])).values()]
}
