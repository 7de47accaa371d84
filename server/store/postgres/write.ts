/** Changes of memories in PostgreSQL; each function is part of a transaction. */
import { topicKey } from '../../memory/facts/supersede.ts'
import { countWords, wordsOf } from '../../memory/words.ts'
import { aboutOf, hashOf, takenOf } from '../memory-row.ts'
import type { MadeVector, Memory, MemoryChange, MemoryEvent, ToldMemory } from '../memory-calls.ts'
import type { Query } from './connection.ts'
import { bytes, memoryOf, SELECT, vectorText, type MemoryRow } from './rows.ts'

/** Rows that went with memories. */
export interface Dropped {
  readonly memories: number
  readonly words: number
  readonly vectors: number
  readonly history: number
  readonly uses: number
  /** Responses that had read them. */
  readonly readBy: readonly string[]
}

const isOver = ({ expires }: Pick<MemoryRow, 'expires'>): boolean => expires !== null && expires <= Date.now()

export async function scopeOf(query: Query, owner: string, namespace: string): Promise<number> {
  const key = [bytes(owner), bytes(namespace)]
  await query('INSERT INTO mneme_scope (owner, namespace) VALUES ($1, $2) ON CONFLICT DO NOTHING', key)
  // Locked: changes of a namespace follow one another, so its counts and what is there once are right.
  const found = 'SELECT scope FROM mneme_scope WHERE owner = $1 AND namespace = $2 FOR UPDATE'
  return (await query<{ scope: number }>(found, key)).rows[0]!.scope
}

export async function addMemory(
  query: Query,
  owner: string,
  memory: Memory,
  made: MadeVector | null,
): Promise<{ memory: Memory; added: boolean }> {
  const scope = await scopeOf(query, owner, memory.namespace)
  const known = await sameText(query, scope, memory.user, hashOf(memory.text))
  if (known && !isOver(known)) return { memory: memoryOf(known), added: false }
  if (known) await drop(query, [known.seq])
  await insert(query, scope, memory, made)
  return { memory, added: true }
}

/** What a user said, in the order of the sentences. Doing it again changes nothing. */
export async function tell(query: Query, owner: string, told: readonly ToldMemory[]): Promise<void> {
  for (const { namespace, user, ends, memory } of told) {
    const scope = await scopeOf(query, owner, namespace)
    const time = memory?.created ?? Date.now()
    const ended = `UPDATE mneme_memory SET ended = $1 FROM mneme_scope AS scope
      WHERE scope.scope = mneme_memory.scope AND owner = $2 AND id = ANY($3) AND ended IS NULL`
    if (ends.length > 0) await query(ended, [time, bytes(owner), ends])
    if (!memory) continue
    const known = await sameText(query, scope, user, hashOf(memory.text, memory.fact && aboutOf(memory.fact)))
    if (known?.id === memory.id) continue
    // What is said again holds from now on.
    if (known && (known.ended !== null || isOver(known))) await drop(query, [known.seq])
    else if (known) continue
    await insert(query, scope, memory, null)
  }
}

export async function changeMemory(
  query: Query,
  owner: string,
  id: string,
  change: MemoryChange,
  made: MadeVector | null,
): Promise<Memory | 'unknown' | 'taken'> {
  const [found] = await memoriesById(query, owner, [id])
  if (!found) return 'unknown'
  const { seq } = found
  const before = memoryOf(found)
  const scope = await scopeOf(query, owner, before.namespace)
  const same = await sameText(query, scope, before.user, hashOf(change.text))
  if (same && same.seq !== seq) return 'taken'
  const memory = { ...before, ...change }
  const { text, metadata, expires, updated } = memory
  await query(
    'UPDATE mneme_memory SET text = $1, hash = $2, metadata = $3, expires = $4, updated = $5 WHERE seq = $6',
    [bytes(text), hashOf(text, memory.fact && aboutOf(memory.fact)), JSON.stringify(metadata), expires, updated, seq],
  )
  if (text !== before.text || made) await setVector(query, seq, made)
  if (text !== before.text) {
    await query('DELETE FROM mneme_word WHERE seq = $1', [seq])
    await count(query, scope, -1, -wordsOf(before.text).length)
    await index(query, scope, seq, text)
  }
  await addEvent(query, seq, 'updated', memory)
  return memory
}

export async function setVector(query: Query, seq: number, made: MadeVector | null): Promise<void> {
  const values = [made?.embedder ?? null, made && vectorText(made.vector), seq]
  await query('UPDATE mneme_memory SET embedder = $1, vector = $2::vector WHERE seq = $3', values)
}

/** Those that are there and not over. */
export async function memoriesById(query: Query, owner: string, ids: readonly string[]): Promise<MemoryRow[]> {
  const there = `${SELECT} WHERE owner = $1 AND id = ANY($2) AND (expires IS NULL OR expires > $3)`
  return (await query<MemoryRow>(there, [bytes(owner), ids, Date.now()])).rows
}

/** Deletes memories with all that is kept of them. */
export async function drop(query: Query, seqs: readonly number[]): Promise<Dropped> {
  const from = (table: string): string => `DELETE FROM ${table} WHERE seq = ANY($1)`
  const uses = await query<{ response: string }>(`${from('mneme_use')} RETURNING response`, [seqs])
  const words = await query(from('mneme_word'), [seqs])
  const history = await query(from('mneme_event'), [seqs])
  const gone = await query<{ scope: number; words: number; has: boolean }>(
    `${from('mneme_memory')} RETURNING scope, words, vector IS NOT NULL AS has`,
    [seqs],
  )
  for (const { scope, words: length } of gone.rows) await count(query, scope, -1, -length)
  return {
    memories: gone.count,
    words: words.count,
    vectors: gone.rows.filter(({ has }) => has).length,
    history: history.count,
    uses: uses.count,
    readBy: uses.rows.map(({ response }) => response),
  }
}

async function sameText(
  query: Query,
  scope: number,
  user: string | null,
  hash: Buffer,
): Promise<MemoryRow | undefined> {
  const same = `${SELECT} WHERE memory.scope = $1 AND user_id = $2 AND hash = $3`
  return (await query<MemoryRow>(same, [scope, bytes(user ?? ''), hash])).rows[0]
}

async function insert(query: Query, scope: number, memory: Memory, made: MadeVector | null): Promise<void> {
  const { id, user, text, metadata, created, updated, expires, source, fact, ended } = memory
  const { rows } = await query<{ seq: number }>(
    `INSERT INTO mneme_memory (id, scope, user_id, text, hash, metadata, created, updated, expires, words, embedder, vector,
      taken, source, topic, ended)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11::vector, $12, $13, $14, $15) RETURNING seq`,
    [
      id,
      scope,
      bytes(user ?? ''),
      bytes(text),
      hashOf(text, fact && aboutOf(fact)),
      JSON.stringify(metadata),
      created,
      updated,
      expires,
      made?.embedder ?? null,
      made && vectorText(made.vector),
      takenOf(memory),
      source?.response ?? null,
      fact && bytes(topicKey(fact)),
      ended,
    ],
  )
  const { seq } = rows[0]!
  await index(query, scope, seq, text)
  await addEvent(query, seq, 'added', memory)
}

async function index(query: Query, scope: number, seq: number, text: string): Promise<void> {
  const words = wordsOf(text)
  const counts = countWords(words)
  await query(
    `INSERT INTO mneme_word (scope, word, seq, count, length)
      SELECT $1, word, $2, count, $3 FROM unnest($4::text[], $5::int[]) AS of (word, count)`,
    [scope, seq, words.length, [...counts.keys()], [...counts.values()]],
  )
  await query('UPDATE mneme_memory SET words = $1 WHERE seq = $2', [words.length, seq])
  await count(query, scope, 1, words.length)
}

async function count(query: Query, scope: number, texts: number, words: number): Promise<void> {
  await query('UPDATE mneme_scope SET texts = texts + $1, words = words + $2 WHERE scope = $3', [texts, words, scope])
}

async function addEvent(query: Query, seq: number, kind: MemoryEvent['kind'], memory: Memory): Promise<void> {
  const values = [seq, kind, memory.updated, bytes(memory.text), JSON.stringify(memory.metadata)]
  await query('INSERT INTO mneme_event (seq, kind, time, text, metadata) VALUES ($1, $2, $3, $4, $5)', values)
}
