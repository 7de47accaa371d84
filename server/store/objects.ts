/** Files, vector stores and what belongs to them in the database. The pieces of files are rows of memories. */
import { createHash } from 'node:crypto'
import type Database from 'libsql'
import { StoreError } from './errors.ts'
import { dropChosen, type Memories } from './memories.ts'
import { textOf } from './memory-row.ts'
import { IN_PROGRESS, ownerOfChunks } from './object-calls.ts'
import type { ObjectCalls, ObjectKey, ObjectKind, StoredObject } from './object-calls.ts'
import { checksumOfObject, objectOf, SELECT_OBJECT, type ObjectRow } from './object-row.ts'
import type { Damage } from './store.ts'
import { bytesOf, type Blob } from './turn-row.ts'

/** `memories` keeps the pieces of files; `report` is told of objects that are not what was written. */
export function createObjects(
  database: Database.Database,
  memories: Omit<Memories, 'consolidateMemories'>,
  report: (damage: Damage) => void,
): ObjectCalls {
  const sql = prepare(database)

  /** The row as an object. Throws StoreError `corrupt`, and tells. */
  const read = (owner: string, row: ObjectRow): StoredObject => {
    try {
      return objectOf(owner, row)
    } catch (error) {
      report({ what: 'object', id: Buffer.from(bytesOf(row.id)).toString() })
      throw error
    }
  }
  const readable = (owner: string, rows: readonly ObjectRow[]): StoredObject[] =>
    rows.flatMap((row) => {
      try {
        return [read(owner, row)]
      } catch {
        return []
      }
    })
  const rowOf = (owner: string, { kind, parent, id }: ObjectKey): ObjectRow | undefined =>
    sql.byKey.get(owner, kind, parent, id) as ObjectRow | undefined
  const find = (owner: string, key: ObjectKey): StoredObject | null => {
    const row = rowOf(owner, key)
    return row && !isOver(key.kind, row) ? read(owner, row) : null
  }
  const seqOf = (owner: string, key: ObjectKey): number | null => rowOf(owner, key)?.seq ?? null
  const dropPieces = (owner: string, store: string, file: string | null): number =>
    dropChosen(memories, ownerOfChunks(owner), { namespace: store, user: file })

  /** Deletes what belongs to an object, but not the object itself. */
  const empty = (owner: string, { kind, id, parent }: ObjectKey): void => {
    if (kind === 'vector_store_file') dropPieces(owner, parent, id)
    if (kind === 'file') {
      for (const { parent: store } of sql.placesOf.all(owner, id) as { parent: Blob }[])
        remove(owner, { kind: 'vector_store_file', parent: textOf(store), id })
    }
    if (kind === 'memory_store') {
      dropPieces(owner, id, null)
      for (const inner of ['store_memory', 'memory_version'] as const) sql.removeAll.run(owner, inner, id)
    }
    if (kind !== 'vector_store') return
    dropPieces(owner, id, null)
    for (const inner of ['vector_store_file', 'file_batch'] as const) sql.removeAll.run(owner, inner, id)
  }
  const remove = (owner: string, key: ObjectKey): number => {
    if (!rowOf(owner, key)) return 0
    empty(owner, key)
    return sql.remove.run(owner, key.kind, key.parent, key.id).changes
  }
  const change: ObjectCalls['changeObject'] = (owner, key, changes) => {
    const before = find(owner, key)
    if (!before || (changes.from !== undefined && before.label !== changes.from)) return null
    const { body, from: _, ...others } = changes
    const object = { ...before, ...others, body: { ...before.body, ...body } }
    const { label, bytes, expires } = object
    const values = [label, bytes, expires, Buffer.from(JSON.stringify(object.body)), checksumOfObject(owner, object)]
    sql.change.run(...values, owner, key.kind, key.parent, key.id)
    return object
  }
  const isIndexed = (owner: string, store: string, file: string): boolean =>
    find(owner, { kind: 'vector_store_file', parent: store, id: file })?.label === IN_PROGRESS

  return {
    addObject(owner, object, content) {
      const { kind, parent, id, label, tag, bytes, expires, body } = object
      sql.remove.run(owner, kind, parent, id)
      const sum = checksumOfObject(owner, object)
      const kept = content ? [hashOf(content), Buffer.from(content)] : [null, null]
      const values = [label, tag, bytes, expires, Buffer.from(JSON.stringify(body)), sum, ...kept]
      sql.add.run(owner, kind, parent, id, ...values)
    },
    findObject: find,
    objectContent(owner, key) {
      if (!find(owner, key)) return null
      const row = sql.content.get(owner, key.kind, key.parent, key.id) as { content: Blob | null; hash: Blob | null }
      if (!row.content || !row.hash) return null
      const bytes = bytesOf(row.content)
      if (hashOf(bytes).equals(bytesOf(row.hash))) return bytes
      report({ what: 'object', id: key.id })
      throw new StoreError('corrupt', 'the content of a file is not what was written')
    },
    listObjects(owner, { kind, parent, label, tag, limit, after, before, order }) {
      const ends = [after, before].map((id) => (id === null ? null : seqOf(owner, { kind, parent, id })))
      const [low, high] = order === 'asc' ? ends : ends.toReversed()
      const statement = order === 'asc' ? sql.listUp : sql.listDown
      const filter = [owner, kind, parent, label, label, tag, tag, low, low, high, high]
      // Files that have expired, and not been deleted yet, are not there.
      return readable(owner, statement.all(...filter, kind, Date.now(), limit) as ObjectRow[])
    },
    countObjects: (owner, kind, parent, tag) =>
      (sql.count.all(owner, kind, parent, tag, tag) as { label: Blob; count: number; bytes: number }[]).map(
        ({ label, count, bytes }) => ({ label: textOf(label), count, bytes }),
      ),
    changeObject: change,
    removeObject: remove,
    addChunks(owner, store, file, chunks) {
      if (!isIndexed(owner, store, file)) return null
      return chunks.map((chunk) => memories.addMemory(ownerOfChunks(owner), chunk, null).memory)
    },
    dropChunks(owner, { store, file }, label) {
      const key = { kind: 'vector_store_file', parent: store, id: file } as const
      if (!change(owner, key, { label, bytes: 0 })) return 0
      return 1 + dropPieces(owner, store, file)
    },
    expireObjects() {
      const rows = sql.expired.all(Date.now()) as ObjectRow[]
      for (const row of rows) {
        const owner = textOf(row.owner)
        const [object] = readable(owner, [row])
        const key = object ?? { kind: textOf(row.kind) as ObjectKind, parent: textOf(row.parent), id: textOf(row.id) }
        if (key.kind !== 'vector_store') remove(owner, key)
        else if (object) {
          empty(owner, key)
          change(owner, key, { label: 'expired', bytes: 0 })
        }
      }
      return rows.length
    },
    unfinishedFiles: () =>
      (sql.unfinished.all() as { owner: Blob; parent: Blob; id: Blob }[]).map(({ owner, parent, id }) => ({
        owner: textOf(owner),
        store: textOf(parent),
        file: textOf(id),
      })),
  }
}

/** A vector store whose time is over stays, empty. */
function isOver(kind: ObjectKind, { expires }: Pick<ObjectRow, 'expires'>): boolean {
  return kind !== 'vector_store' && expires !== null && expires <= Date.now()
}

function hashOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

function prepare(database: Database.Database) {
  const byKey = 'WHERE owner = ? AND kind = ? AND parent = ? AND id = ?'
  const listed = `${SELECT_OBJECT} WHERE owner = ? AND kind = ? AND parent = ? AND (? IS NULL OR label = ?)
    AND (? IS NULL OR tag = ?) AND (? IS NULL OR seq > ?) AND (? IS NULL OR seq < ?)
    AND (? = 'vector_store' OR expires IS NULL OR expires > ?)`
  return {
    byKey: database.prepare(`${SELECT_OBJECT} ${byKey}`),
    add: database.prepare(`INSERT INTO api_object
      (owner, kind, parent, id, label, tag, bytes, expires, body, checksum, content_hash, content)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    change: database.prepare(
      `UPDATE api_object SET label = ?, bytes = ?, expires = ?, body = ?, checksum = ? ${byKey}`,
    ),
    content: database.prepare(
      `SELECT CAST(content AS BLOB) AS content, CAST(content_hash AS BLOB) AS hash FROM api_object ${byKey}`,
    ),
    listUp: database.prepare(`${listed} ORDER BY seq LIMIT ?`),
    listDown: database.prepare(`${listed} ORDER BY seq DESC LIMIT ?`),
    count: database.prepare(`SELECT CAST(label AS BLOB) AS label, count(*) AS count, sum(bytes) AS bytes FROM api_object
      WHERE owner = ? AND kind = ? AND parent = ? AND (? IS NULL OR tag = ?) GROUP BY api_object.label`),
    placesOf: database.prepare(
      "SELECT CAST(parent AS BLOB) AS parent FROM api_object WHERE owner = ? AND kind = 'vector_store_file' AND id = ?",
    ),
    remove: database.prepare(`DELETE FROM api_object ${byKey}`),
    removeAll: database.prepare('DELETE FROM api_object WHERE owner = ? AND kind = ? AND parent = ?'),
    expired: database.prepare(`${SELECT_OBJECT} WHERE expires <= ? AND label <> 'expired'`),
    unfinished: database.prepare(`SELECT CAST(owner AS BLOB) AS owner, CAST(parent AS BLOB) AS parent,
      CAST(id AS BLOB) AS id FROM api_object WHERE kind = 'vector_store_file' AND label = 'in_progress' ORDER BY seq`),
  }
}
