/** Puts the text of a file into a vector store: cut into pieces, found by words at once and by meaning soon after. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { embedTold } from '../memory/memories.ts'
import { IN_PROGRESS, ownerOfChunks } from '../store/object-calls.ts'
import type { Memory } from '../store/memory-calls.ts'
import { cutChunks } from './chunks.ts'
import { fileText } from './file-text.ts'
import { changeObject, findObject } from './objects.ts'

/** Pieces that are written in one call: other calls of the store go between. */
const CHUNKS_A_CALL = 32

type FileDeps = Pick<Deps, 'store' | 'embedders' | 'metrics' | 'log' | 'now'>

interface Place {
  readonly store: string
  readonly file: string
}

/** Resolves once the file is searched, or has failed, and says so itself. A file that is taken away meanwhile is left alone. */
export async function indexFile(deps: FileDeps, owner: string, place: Place): Promise<void> {
  try {
    await index(deps, owner, place)
  } catch (error) {
    deps.log.warn({ err: error, file: place.file }, 'a file could not be put into a vector store')
    await end(deps, owner, place, { label: 'failed', body: { error: 'the server could not read the file' } }).catch(
      () => undefined,
    )
  }
}

/** Goes on with files that were being indexed when the server ended. */
export async function indexUnfinished(deps: FileDeps): Promise<void> {
  for (const { owner, store, file } of await deps.store.unfinishedFiles()) await indexFile(deps, owner, { store, file })
}

async function index(deps: FileDeps, owner: string, place: Place): Promise<void> {
  const { store, file } = place
  const attached = await findObject(deps.store, owner, 'vector_store_file', file, store)
  const found = await findObject(deps.store, owner, 'file', file)
  const content = found && (await deps.store.objectContent(owner, { kind: 'file', parent: '', id: file }))
  if (!attached || !found || !content) return
  const texts = cutChunks(fileText(found.body.name, content), attached.body.chunking)
  let bytes = 0
  for (let at = 0; at < texts.length; at += CHUNKS_A_CALL) {
    const chunks = texts.slice(at, at + CHUNKS_A_CALL).map((text) => chunkOf(deps, store, file, text))
    const kept = await deps.store.addChunks(owner, store, file, chunks)
    if (!kept) return
    for (const { text } of kept) bytes += Buffer.byteLength(text)
    await embedTold(deps, ownerOfChunks(owner), kept)
  }
  await end(deps, owner, place, { label: 'completed', bytes })
}

function end(
  { store }: FileDeps,
  owner: string,
  place: Place,
  change: { readonly label: string; readonly bytes?: number; readonly body?: { readonly error: string } },
): Promise<unknown> {
  return changeObject(store, owner, 'vector_store_file', place.file, place.store, { ...change, from: IN_PROGRESS })
}

/** A piece of a file or a memory as a row of memories. */
export function chunkOf({ now }: Pick<Deps, 'now'>, store: string, file: string, text: string): Memory {
  const time = now()
  const place = { id: newId('chunk'), namespace: store, user: file }
  const rest = { metadata: {}, created: time, updated: time, expires: null, source: null, fact: null, ended: null }
  return { ...place, text, ...rest }
}
