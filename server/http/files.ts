/** The endpoints of files: texts that a tenant uploads, to be put into vector stores. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { fileText } from '../files/file-text.ts'
import { findObject } from '../files/objects.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { listFiles, uploadFile } from '../openai/files-schema.ts'
import type { StoredObject } from '../store/object-calls.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { objectPage } from './object-pages.ts'
import { readForm } from './read-form.ts'

export function fileEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const found = async (c: RequestContext): Promise<StoredObject<'file'>> => {
    const id = c.req.param('id') as string
    const file = await findObject(store, ownerOf(c), 'file', id)
    if (!file) throw fileNotFound(id, 'file_id')
    return file
  }
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/files',
      summary: 'Upload a text',
      form: uploadFile,
      async answer(c) {
        const form = check(uploadFile, await readForm(c, deps.limits.fileBytes))
        const { file, purpose, 'expires_after[seconds]': seconds } = form
        const content = new Uint8Array(await file.arrayBuffer())
        // Refused now, not when it is put into a vector store.
        fileText(file.name, content)
        const created = deps.now()
        const stored: StoredObject<'file'> = {
          kind: 'file',
          parent: '',
          id: newId('file'),
          label: purpose,
          tag: '',
          bytes: content.length,
          expires: seconds == null ? null : created + seconds * 1000,
          body: { name: file.name, purpose, created },
        }
        await store.addObject(ownerOf(c), stored, content)
        return c.json(fileObject(stored))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/files',
      summary: 'List files',
      query: listFiles,
      async answer(c) {
        const { purpose, ...query } = check(listFiles, c.req.query())
        const listed = { kind: 'file', parent: '', label: purpose ?? null, usual: 10_000 } as const
        return c.json(await objectPage(deps, ownerOf(c), listed, query, fileObject))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/files/:id',
      summary: 'Describe a file',
      answer: async (c) => c.json(fileObject(await found(c))),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/files/:id/content',
      summary: 'Read a file, byte by byte as it was uploaded',
      async answer(c) {
        const { id } = await found(c)
        const content = await store.objectContent(ownerOf(c), { kind: 'file', parent: '', id })
        if (!content) throw fileNotFound(id, 'file_id')
        return c.body(new Uint8Array(content), 200, { 'content-type': 'application/octet-stream' })
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/files/:id',
      summary: 'Delete a file, also from all vector stores',
      async answer(c) {
        const id = c.req.param('id') as string
        if ((await store.removeObject(ownerOf(c), { kind: 'file', parent: '', id })) === 0)
          throw fileNotFound(id, 'file_id')
        forgetStates(deps, ownerOf(c))
        return c.json({ id, object: 'file', deleted: true })
      },
    },
  ]
}

/** Engines may still have memory of a reply that has read a piece of a file. */
export function forgetStates({ models }: Deps, owner: string): void {
  for (const { engine } of models) engine.forget(owner)
}

export function fileNotFound(id: string, param: string): ApiError {
  return new ApiError(404, 'file_not_found', `No such file: '${id.slice(0, 100)}'.`, { param })
}

function fileObject({ id, bytes, expires, body }: StoredObject<'file'>): object {
  const { name, purpose, created } = body
  return {
    id,
    object: 'file',
    bytes,
    created_at: secondsOf(created),
    expires_at: expires === null ? null : secondsOf(expires),
    filename: name,
    purpose,
    status: 'processed',
    status_details: null,
  }
}

export const secondsOf = (time: number): number => Math.floor(time / 1000)
