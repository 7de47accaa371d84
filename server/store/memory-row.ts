/** A memory as a row of its table, with a checksum over all of it. */
import { createHash } from 'node:crypto'
import type { Topic } from '../memory/facts/fact.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import { StoreError } from './errors.ts'
import type { MadeVector, Memory } from './memory-calls.ts'
import { bytesOf, type Blob } from './turn-row.ts'

/** As it is read: text as bytes, for libsql ends the process when it reads text that is not UTF-8. */
export interface MemoryRow {
  readonly seq: number
  readonly scope: number
  readonly id: Blob
  readonly namespace: Blob
  readonly user_id: Blob
  readonly text: Blob
  readonly hash: Blob
  readonly metadata: Blob
  readonly created: number
  readonly updated: number
  readonly expires: number | null
  readonly embedder: Blob | null
  readonly vector: Blob | null
  /** JSON of `source` and `fact`; null where there is neither. */
  readonly taken: Blob | null
  readonly topic: Blob | null
  readonly ended: number | null
  readonly checksum: Blob
}

/** Reads MemoryRows; a condition follows. */
export const SELECT_MEMORY = `
  SELECT memory.seq, memory.scope, CAST(memory.id AS BLOB) AS id, CAST(namespace AS BLOB) AS namespace,
    CAST(user_id AS BLOB) AS user_id, text, hash, metadata, created, updated, expires, CAST(embedder AS BLOB) AS embedder,
    vector, taken, CAST(topic AS BLOB) AS topic, ended, checksum
  FROM memory JOIN memory_scope ON memory_scope.scope = memory.scope`

export function checksumOfMemory(owner: string, memory: Memory, made: MadeVector | null): Buffer {
  const { id, namespace, user, text, metadata, created, updated, expires, ended } = memory
  const taken = takenOf(memory)
  const hash = createHash('sha256')
  const fields = [owner, id, namespace, user, text, metadata, created, updated, expires, made?.embedder]
  // Rows of format 5 have the checksum of these alone.
  hash.update(JSON.stringify(taken === null && ended === null ? fields : [...fields, taken, ended]))
  if (made) hash.update(vectorBytes(made.vector))
  return hash.digest()
}

/** Throws StoreError `corrupt` where the row is not what was written for that owner. */
export function memoryOf(owner: string, row: MemoryRow): { readonly memory: Memory; readonly made: MadeVector | null } {
  try {
    const user = textOf(row.user_id)
    const memory: Memory = {
      id: textOf(row.id),
      namespace: textOf(row.namespace),
      user: user === '' ? null : user,
      text: textOf(row.text),
      metadata: JSON.parse(textOf(row.metadata)) as Memory['metadata'],
      created: row.created,
      updated: row.updated,
      expires: row.expires,
      ...(row.taken ? (JSON.parse(textOf(row.taken)) as Taken) : { source: null, fact: null }),
      ended: row.ended,
    }
    const made = row.embedder && row.vector ? { embedder: textOf(row.embedder), vector: vectorOf(row.vector) } : null
    if (checksumOfMemory(owner, memory, made).equals(bytesOf(row.checksum))) return { memory, made }
  } catch (cause) {
    throw new StoreError('corrupt', 'a memory is not what was written', { cause })
  }
  throw new StoreError('corrupt', 'a memory is not what was written')
}

type Taken = Pick<Memory, 'source' | 'fact'>

/** Where a memory was taken from and what it says, as JSON; null where it was given. */
export function takenOf({ source, fact }: Taken): string | null {
  return source || fact ? JSON.stringify({ source, fact }) : null
}

/** What a user's memories have once: a text, and of one with several facts each of them. */
export function hashOf(text: string | Uint8Array, about: string | null = null): Buffer {
  const hash = createHash('sha256').update(text)
  return (about === null ? hash : hash.update('\n').update(about)).digest()
}

/** A sentence can say several values of one topic: "I am allergic to peanuts and shellfish". */
export const aboutOf = (fact: NonNullable<Memory['fact']>): string => `${topicKey(fact)}\n${fact.value}`

/** The topic that a key (server/memory/facts/supersede.ts) stands for. */
export function topicOf(key: string): Topic {
  const [subject, attribute] = key.split('\n') as [string, string]
  return { subject, attribute }
}

export function vectorBytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

export function vectorOf(blob: Blob): Float32Array {
  return new Float32Array(Uint8Array.from(bytesOf(blob)).buffer)
}

export function textOf(blob: Blob): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(blob))
}
