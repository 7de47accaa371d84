/** A prefix as a row of the table `prefix`, with a checksum over all of it. */
import { createHash } from 'node:crypto'
import type { PrefixRecord } from './store.ts'
import { bytesOf, toBlob, type Blob } from './turn-row.ts'

export type PrefixRow = Record<'hash' | 'calls' | 'fixed' | 'tail' | 'checksum', Blob> &
  Record<'tokens' | 'page', Blob | null> &
  Record<'seq' | 'length' | 'position' | 'reply', number>

/** What a prefix is found by. */
export function hashOf(tokens: readonly number[]): Buffer {
  return createHash('sha256').update(toBlob(tokens)).digest()
}

type Column = number | Buffer | null

/** The columns of a record in the order of the statement `put`. */
export function columnsOf(
  record: PrefixRecord,
  fixed: Uint8Array,
  tail: Uint8Array,
  page: Uint8Array | null,
): Column[] {
  const { position, tokens, calls, afterReply } = record
  const blobs = [fixed, tail].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))
  return [position, tokens && toBlob(tokens), toBlob(calls), afterReply ? 1 : 0, ...blobs, page && Buffer.from(page)]
}

export function isAsWritten(owner: string, bundle: string, row: PrefixRow): boolean {
  const buffer = (blob: Blob | null): Buffer | null => blob && Buffer.from(bytesOf(blob))
  const { position, tokens, calls, reply, fixed, tail, page, length, hash } = row
  const columns = [position, buffer(tokens), buffer(calls), reply, buffer(fixed), buffer(tail), buffer(page)]
  return checksumOfPrefix(owner, bundle, length, Buffer.from(bytesOf(hash)), columns).equals(
    Buffer.from(bytesOf(row.checksum)),
  )
}

/** Fields are hashed with their lengths, so that no two different rows give the same bytes. */
export function checksumOfPrefix(
  owner: string,
  bundle: string,
  length: number,
  hash: Buffer,
  columns: readonly Column[],
): Buffer {
  const sum = createHash('sha256')
  for (const value of [owner, bundle, length, hash, ...columns]) {
    const bytes = value instanceof Uint8Array ? value : Buffer.from(value === null ? '' : String(value))
    sum.update(`${value === null ? -1 : bytes.length}:`).update(bytes)
  }
  return sum.digest()
}
