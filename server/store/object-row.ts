/** An object as a row of its table, with a checksum over all of it. */
import { createHash } from 'node:crypto'
import { StoreError } from './errors.ts'
import { textOf } from './memory-row.ts'
import type { ObjectKind, StoredObject } from './object-calls.ts'
import { bytesOf, type Blob } from './turn-row.ts'

/** As it is read: text as bytes, for libsql ends the process when it reads text that is not UTF-8. */
export interface ObjectRow {
  readonly seq: number
  readonly owner: Blob
  readonly kind: Blob
  readonly parent: Blob
  readonly id: Blob
  readonly label: Blob
  readonly tag: Blob
  readonly bytes: number
  readonly expires: number | null
  readonly body: Blob
  readonly checksum: Blob
}

/** Reads ObjectRows; a condition follows. */
export const SELECT_OBJECT = `
  SELECT seq, CAST(owner AS BLOB) AS owner, CAST(kind AS BLOB) AS kind, CAST(parent AS BLOB) AS parent,
    CAST(id AS BLOB) AS id, CAST(label AS BLOB) AS label, CAST(tag AS BLOB) AS tag, CAST(bytes AS INTEGER) AS bytes,
    CAST(expires AS INTEGER) AS expires, CAST(body AS BLOB) AS body, CAST(checksum AS BLOB) AS checksum
  FROM api_object`

export function checksumOfObject(owner: string, object: StoredObject): Buffer {
  const { kind, parent, id, label, tag, bytes, expires, body } = object
  return createHash('sha256')
    .update(JSON.stringify([owner, kind, parent, id, label, tag, bytes, expires, body]))
    .digest()
}

/** Throws StoreError `corrupt` where the row is not what was written for that owner. */
export function objectOf(owner: string, row: ObjectRow): StoredObject {
  try {
    const object = {
      kind: textOf(row.kind) as ObjectKind,
      parent: textOf(row.parent),
      id: textOf(row.id),
      label: textOf(row.label),
      tag: textOf(row.tag),
      bytes: row.bytes,
      expires: row.expires,
      body: JSON.parse(textOf(row.body)) as StoredObject['body'],
    }
    if (checksumOfObject(owner, object).equals(bytesOf(row.checksum))) return object
  } catch (cause) {
    throw new StoreError('corrupt', 'an object is not what was written', { cause })
  }
  throw new StoreError('corrupt', 'an object is not what was written')
}
