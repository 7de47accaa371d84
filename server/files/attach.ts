/** Files in vector stores: they are put there, and searched once their text is indexed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Deps } from '../deps.ts'
import { IN_PROGRESS, type StoredObject } from '../store/object-calls.ts'
import { AUTO_CHUNKING, type Chunking } from './chunks.ts'
import type { Attributes } from './filters.ts'
import { indexFile } from './index-file.ts'
import { findObject } from './objects.ts'

/** Which file is put into a vector store, and how. */
export interface NewAttachment {
  readonly file: string
  readonly attributes: Attributes
  /** Null: as usual. */
  readonly chunking: Chunking | null
}

/** An answer waits so long for files that are being indexed: most are done by then, and nobody has to ask again. */
const WAIT_MS = 2_000

/** Puts files into a vector store, in place of earlier ones of the same ids, and begins to index them. */
export async function attachFiles(
  deps: Deps,
  owner: string,
  store: string,
  files: readonly NewAttachment[],
  batch: string,
): Promise<void> {
  const added: string[] = []
  for (const { file, attributes, chunking } of files) {
    const key = { kind: 'vector_store_file', parent: store, id: file } as const
    const body = { attributes, chunking: chunking ?? AUTO_CHUNKING, created: deps.now(), error: null }
    const known = await findObject(deps.store, owner, 'vector_store_file', file, store)
    if (known && isSame(known, body) && batch === '') continue
    if (known) await deps.store.removeObject(owner, key)
    await deps.store.addObject(owner, { ...key, label: IN_PROGRESS, tag: batch, bytes: 0, expires: null, body }, null)
    added.push(file)
  }
  const indexed = indexAll(deps, owner, store, added)
  await Promise.race([indexed, sleep(WAIT_MS, undefined, { ref: false })])
}

async function indexAll(deps: Deps, owner: string, store: string, files: readonly string[]): Promise<void> {
  for (const file of files) await indexFile(deps, owner, { store, file })
}

/** Whether a file is there already as it is asked for. */
function isSame(
  { label, body }: StoredObject<'vector_store_file'>,
  asked: StoredObject<'vector_store_file'>['body'],
): boolean {
  const form = ({ attributes, chunking }: typeof asked): string => {
    const keys = Object.keys(attributes).toSorted()
    return JSON.stringify([keys, keys.map((key) => attributes[key]), chunking.size, chunking.overlap])
  }
  return (label === IN_PROGRESS || label === 'completed') && form(body) === form(asked)
}
