/** What is read of memories in PostgreSQL, but for searches. */
import type { Topic } from '../../memory/facts/fact.ts'
import { topicKey } from '../../memory/facts/supersede.ts'
import { hashOf, topicOf } from '../memory-row.ts'
import type { FactQuery, Memory, MemoryEvent, MemoryFilter, MemoryPage, TextsQuery } from '../memory-calls.ts'
import type { Query } from './connection.ts'
import { bytes, memoryOf, SELECT, type MemoryRow } from './rows.ts'

const THERE = '(expires IS NULL OR expires > $2)'

export async function listMemories(query: Query, owner: string, page: MemoryPage): Promise<Memory[]> {
  const { namespace, user, limit, after, order } = page
  const [than, by] = order === 'asc' ? ['>', 'ASC'] : ['<', 'DESC']
  const listed = `${SELECT} WHERE owner = $1 AND ${THERE} AND ($3::bytea IS NULL OR namespace = $3)
    AND ($4::bytea IS NULL OR user_id = $4)
    AND ($5::text IS NULL OR seq ${than} (SELECT seq FROM mneme_memory WHERE id = $5)) ORDER BY seq ${by} LIMIT $6`
  const values = [bytes(owner), Date.now(), orNull(namespace), orNull(user), after, limit]
  return (await query<MemoryRow>(listed, values)).rows.map(memoryOf)
}

export async function factsOf(query: Query, owner: string, asked: FactQuery): Promise<Memory[]> {
  const keys = asked.topics && [...new Set(asked.topics.map(topicKey))].map(bytes)
  const facts = `${SELECT} WHERE owner = $1 AND ${THERE} AND namespace = $3 AND user_id = $4 AND topic IS NOT NULL
    AND ($5::bytea[] IS NULL OR topic = ANY($5)) AND ($6 OR ended IS NULL) ORDER BY seq DESC LIMIT $7`
  const place = [bytes(asked.namespace), bytes(asked.user ?? '')]
  const values = [bytes(owner), Date.now(), ...place, keys, asked.ended, asked.limit]
  return (await query<MemoryRow>(facts, values)).rows.map(memoryOf)
}

export async function topicsOf(
  query: Query,
  owner: string,
  { namespace, user }: Pick<FactQuery, 'namespace' | 'user'>,
): Promise<Topic[]> {
  const topics = `SELECT DISTINCT topic FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope
    WHERE owner = $1 AND ${THERE} AND namespace = $3 AND user_id = $4 AND topic IS NOT NULL AND ended IS NULL`
  const { rows } = await query<{ topic: Buffer }>(topics, [
    bytes(owner),
    Date.now(),
    bytes(namespace),
    bytes(user ?? ''),
  ])
  return rows.map(({ topic }) => topicOf(topic.toString()))
}

export async function keptTexts(query: Query, owner: string, asked: TextsQuery): Promise<string[]> {
  const kept = `SELECT hash FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope
    WHERE owner = $1 AND ${THERE} AND namespace = $3 AND user_id = $4 AND hash = ANY($5) AND (ended IS NOT NULL) = $6`
  const place = [bytes(asked.namespace), bytes(asked.user ?? '')]
  const hashes = asked.texts.map((text) => hashOf(text))
  const { rows } = await query<{ hash: Buffer }>(kept, [bytes(owner), Date.now(), ...place, hashes, asked.ended])
  return asked.texts.filter((_, at) => rows.some(({ hash }) => hash.equals(hashes[at]!)))
}

export async function memoryNamespaces(
  query: Query,
  owner: string,
): Promise<{ readonly namespace: string; readonly memories: number }[]> {
  const counted = 'SELECT namespace, texts FROM mneme_scope WHERE owner = $1 AND texts > 0 ORDER BY namespace'
  const { rows } = await query<{ namespace: Buffer; texts: number }>(counted, [bytes(owner)])
  return rows.map(({ namespace, texts }) => ({ namespace: namespace.toString(), memories: texts }))
}

export async function memoryHistory(query: Query, seq: number): Promise<MemoryEvent[]> {
  const events = 'SELECT kind, time, text, metadata FROM mneme_event WHERE seq = $1 ORDER BY event'
  type Row = { kind: MemoryEvent['kind']; time: number; text: Buffer; metadata: string }
  const { rows } = await query<Row>(events, [seq])
  return rows.map(({ kind, time, text, metadata }) => {
    return { kind, time, text: text.toString(), metadata: JSON.parse(metadata) as Memory['metadata'] }
  })
}

/** Ids of those that a deletion chooses; of one that is over, too. */
export async function chosen(query: Query, owner: string, filter: MemoryFilter, id: string | null): Promise<string[]> {
  const those = `SELECT id FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope
    WHERE owner = $1 AND ($2::bytea IS NULL OR namespace = $2) AND ($3::bytea IS NULL OR user_id = $3)
    AND ($4::text IS NULL OR id = $4) ORDER BY seq`
  const values = [bytes(owner), orNull(filter.namespace), orNull(filter.user), id]
  return (await query<{ id: string }>(those, values)).rows.map((row) => row.id)
}

const orNull = (text: string | null): Buffer | null => (text === null ? null : bytes(text))
