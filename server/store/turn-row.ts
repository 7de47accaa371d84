/** A turn as a row of the table `response`, with a checksum over all of it. */
import { createHash } from 'node:crypto'
import type { Gates } from '../checkpoint.ts'
import { StoreError } from './errors.ts'
import type { TurnRecord } from './store.ts'

/** The columns that a TurnRecord is stored in; `chunk` is prefillChunk. */
export const RESPONSE_COLUMNS =
  'id, owner, parent, root, depth, created, model, bundle, document, prompt, generated, pending, position, chunk, ' +
  'calls, gates, prefill_calls'

// Every value is read as bytes or as an integer, whatever a damaged row says that it is: libsql ends the process when
// it reads text that is not UTF-8.
export const READ_COLUMNS = RESPONSE_COLUMNS.split(', ')
  .map((name) => `CAST(${name} AS ${/^(depth|created|position|chunk)$/.test(name) ? 'INTEGER' : 'BLOB'}) AS ${name}`)
  .join(', ')

/** Reads everything that `fromRow` needs. */
export const SELECT_RESPONSE = `SELECT ${READ_COLUMNS}, CAST(checksum AS BLOB) AS checksum,
  CAST(state_hash AS BLOB) AS state_hash, CAST(replay AS INTEGER) AS replay FROM response`

/** A blob is an ArrayBuffer or a Buffer, depending on the call that read it. */
export type Blob = ArrayBuffer | Uint8Array

export type ResponseRow = Record<
  'id' | 'owner' | 'root' | 'model' | 'bundle' | 'document' | 'prompt' | 'generated' | 'pending',
  Blob
> &
  Record<'parent' | 'calls' | 'gates' | 'prefill_calls', Blob | null> &
  Record<'depth' | 'created' | 'position' | 'chunk', number>

/** The row's values in the order of RESPONSE_COLUMNS. */
export function toRow(turn: TurnRecord): (string | number | Buffer | null)[] {
  const { id, owner, parent, root, depth, created, model, bundle, position, prefillChunk, calls, prefillCalls } = turn
  const gates = Object.keys(turn.gates).length === 0 ? null : Buffer.from(JSON.stringify(turn.gates))
  const tokens = [turn.prompt, turn.generated, turn.pending].map(toBlob)
  const document = Buffer.from(turn.document)
  const ends = [position, prefillChunk, calls && toBlob(calls), gates, prefillCalls && toBlob(prefillCalls)]
  return [id, owner, parent, root, depth, created, model, bundle, document, ...tokens, ...ends]
}

/** The turn in a row. Throws StoreError `corrupt` if a value cannot be what was written. */
export function fromRow(row: ResponseRow): TurnRecord {
  try {
    return {
      id: text(row.id),
      owner: text(row.owner),
      parent: row.parent && text(row.parent),
      root: text(row.root),
      depth: integer(row.depth),
      created: integer(row.created),
      model: text(row.model),
      bundle: text(row.bundle),
      document: text(row.document),
      prompt: integers(row.prompt),
      generated: integers(row.generated),
      pending: integers(row.pending),
      position: integer(row.position),
      prefillChunk: integer(row.chunk),
      calls: row.calls && integers(row.calls),
      gates: row.gates ? (JSON.parse(text(row.gates)) as Gates) : {},
      prefillCalls: row.prefill_calls && integers(row.prefill_calls),
    }
  } catch (cause) {
    throw new StoreError('corrupt', 'a stored turn cannot be read: its bytes are not what was written', { cause })
  }
}

/**
 * Fields are hashed with their lengths, so that no two different turns give the same bytes. A turn without prefill calls
 * has the checksum that it had before there were any (format 2).
 */
export function checksumOf(turn: TurnRecord): Buffer {
  const hash = createHash('sha256')
  for (const value of turn.prefillCalls ? toRow(turn) : toRow(turn).slice(0, -1)) {
    const bytes = value instanceof Uint8Array ? value : Buffer.from(value === null ? '' : String(value))
    hash.update(`${value === null ? -1 : bytes.length}:`).update(bytes)
  }
  return hash.digest().subarray(0, 16)
}

/** Numbers as 32-bit integers, as tables have them. */
export function toBlob(numbers: readonly number[]): Buffer {
  return Buffer.from(Int32Array.from(numbers).buffer)
}

export function bytesOf(blob: Blob): Uint8Array {
  return blob instanceof Uint8Array ? blob : new Uint8Array(blob)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function text(blob: Blob): string {
  return utf8.decode(bytesOf(blob))
}

function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`expected an integer, got ${typeof value}`)
  return value as number
}

export function integers(blob: Blob): number[] {
  const bytes = Uint8Array.from(bytesOf(blob)) // aligned
  return [...new Int32Array(bytes.buffer)]
}
