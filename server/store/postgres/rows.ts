/** A memory as a row of PostgreSQL. */
import type { Memory } from '../memory-calls.ts'

/** What a user or a client wrote: text of PostgreSQL has no U+0000. */
export const bytes = (text: string): Buffer => Buffer.from(text)

export interface MemoryRow {
  readonly seq: number
  readonly scope: number
  readonly id: string
  readonly namespace: Buffer
  readonly user_id: Buffer
  readonly text: Buffer
  readonly metadata: string
  readonly created: number
  readonly updated: number
  readonly expires: number | null
  readonly taken: string | null
  readonly ended: number | null
}

/** Reads MemoryRows; a condition follows. */
export const SELECT = `SELECT memory.seq, memory.scope, memory.id, scope.namespace, memory.user_id, memory.text, memory.metadata,
  memory.created, memory.updated, memory.expires, memory.taken, memory.ended
  FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope`

export function memoryOf(row: MemoryRow): Memory {
  const { id, created, updated, expires, ended } = row
  const origin = JSON.parse(row.taken ?? '{"source":null,"fact":null}') as Pick<Memory, 'source' | 'fact'>
  const metadata = JSON.parse(row.metadata) as Memory['metadata']
  const place = { namespace: row.namespace.toString(), user: row.user_id.toString() || null }
  return { id, ...place, text: row.text.toString(), metadata, created, updated, expires, ...origin, ended }
}

/** As pgvector reads it. */
export const vectorText = (vector: Float32Array): string => `[${vector.join(',')}]`
