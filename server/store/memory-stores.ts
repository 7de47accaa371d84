/** Anthropic's memory stores in the database, over the objects; the pieces of texts are rows of memories, as those of files. */
import { createHash } from 'node:crypto'
import type Database from 'libsql'
import { dropChosen, type Memories } from './memories.ts'
import { textOf } from './memory-row.ts'
import type { MemoryStoreCalls, StoreMemoryProblem, StoreMemoryWrite } from './memory-store-calls.ts'
import { ownerOfChunks, type ObjectCalls, type StoredObject } from './object-calls.ts'
import type { Blob } from './turn-row.ts'

type StoreMemory = StoredObject<'store_memory'>
type Version = StoredObject<'memory_version'>

/** Versions of a memory that are redacted in one step. */
const MANY = 1_000_000

export function createMemoryStores(
  database: Database.Database,
  objects: ObjectCalls,
  memories: Omit<Memories, 'consolidateMemories'>,
): MemoryStoreCalls {
  const conflicts = database.prepare(`SELECT CAST(id AS BLOB) AS id, CAST(label AS BLOB) AS path FROM api_object
    WHERE owner = ? AND kind = 'store_memory' AND parent = ? AND id <> ? AND (label = ?
      OR substr(label, 1, length(?) + 1) = ? || '/' OR substr(?, 1, length(label) + 1) = label || '/') LIMIT 1`)

  const memoryOf = (owner: string, store: string, id: string): StoreMemory | null =>
    objects.findObject(owner, { kind: 'store_memory', parent: store, id }) as StoreMemory | null
  const conflictOf = (owner: string, { store, id, path }: StoreMemoryWrite): StoreMemoryProblem | null => {
    if (path === null) return null
    const row = conflicts.get(owner, store, id, path, path, path, path) as { id: Blob; path: Blob } | undefined
    return row ? { problem: 'path', path: textOf(row.path), id: textOf(row.id) } : null
  }
  const dropPieces = (owner: string, store: string, id: string): number =>
    dropChosen(memories, ownerOfChunks(owner), { namespace: store, user: id })
  const addVersion = (owner: string, version: Omit<Version, 'kind' | 'expires'>, text: Buffer | null): void =>
    objects.addObject(owner, { ...version, kind: 'memory_version', expires: null }, text)
  /** Takes text, path and hash from a version. */
  const redact = (owner: string, version: Version, time: number): void => {
    const body = { path: null, sha256: null, created: version.body.created, redacted: version.body.redacted ?? time }
    addVersion(owner, { ...version, bytes: 0, body }, null)
  }

  return {
    writeStoreMemory(owner, write) {
      const { store, id, isNew, expected, version, time } = write
      const before = isNew ? null : memoryOf(owner, store, id)
      if (!isNew && !before) return { problem: 'unknown' }
      const key = { kind: 'store_memory', parent: store, id } as const
      const kept = before && objects.objectContent(owner, key)
      const text = write.text === null ? Buffer.from(kept ?? []) : Buffer.from(write.text)
      const path = write.path ?? before?.label ?? ''
      const sha256 = createHash('sha256').update(text).digest('hex')
      if (before && before.label === path && before.body.sha256 === sha256) return { memory: before, chunks: [] }
      if (before && expected !== null && before.body.sha256 !== expected) return { problem: 'precondition' }
      const conflict = conflictOf(owner, write)
      if (conflict) return conflict
      const created = before?.body.created ?? time
      const place = { parent: store, bytes: text.length }
      const body = { sha256, created, updated: time }
      const memory: StoreMemory = { ...key, ...place, label: path, tag: version, expires: null, body }
      objects.addObject(owner, memory, text)
      const label = before ? 'modified' : 'created'
      const said = { path, sha256, created: time, redacted: null }
      addVersion(owner, { ...place, id: version, label, tag: id, body: said }, text)
      if (before?.body.sha256 === sha256) return { memory, chunks: [] }
      dropPieces(owner, store, id)
      const chunks = write.chunks.map((chunk) => memories.addMemory(ownerOfChunks(owner), chunk, null).memory)
      return { memory, chunks }
    },
    removeStoreMemory(owner, { store, id }, { expected, version, time }) {
      const memory = memoryOf(owner, store, id)
      if (!memory) return 'unknown'
      if (expected !== null && memory.body.sha256 !== expected) return 'precondition'
      const page = { kind: 'memory_version', parent: store, label: null, tag: id, limit: MANY, order: 'asc' } as const
      for (const one of objects.listObjects(owner, { ...page, after: null, before: null }) as Version[])
        redact(owner, one, time)
      dropPieces(owner, store, id)
      objects.removeObject(owner, { kind: 'store_memory', parent: store, id })
      const body = { path: null, sha256: null, created: time, redacted: time }
      addVersion(owner, { parent: store, id: version, label: 'deleted', tag: id, bytes: 0, body }, null)
      return 'removed'
    },
    redactVersion(owner, { store, id }, time) {
      const version = objects.findObject(owner, { kind: 'memory_version', parent: store, id }) as Version | null
      if (!version) return 'unknown'
      if (memoryOf(owner, store, version.tag)?.tag === id) return 'current'
      redact(owner, version, time)
      return 'removed'
    },
  }
}
