/** Which memories of a namespace fit a query: the lists of server/store/memory-search.ts, from PostgreSQL. */
import { sameTopic } from '../../memory/facts/topic.ts'
import { best, mergeRanks, scoreByWords, type Posting, type Ranked } from '../../memory/rank.ts'
import { wordsOf } from '../../memory/words.ts'
import type { Memory, MemoryHit, MemoryQuery } from '../memory-calls.ts'
import { DEPTH, LEAST_TOPIC, MAX_WORDS } from '../memory-search.ts'
import { topicOf } from '../memory-row.ts'
import type { Query } from './connection.ts'
import { bytes, memoryOf, SELECT, vectorText, type MemoryRow } from './rows.ts'

interface Scope {
  readonly scope: number
  readonly texts: number
  readonly words: number
}

export async function searchMemories(query: Query, owner: string, asked: MemoryQuery): Promise<MemoryHit[]> {
  const { rows } = await query<Scope>(
    'SELECT scope, texts, words FROM mneme_scope WHERE owner = $1 AND namespace = $2',
    [bytes(owner), bytes(asked.namespace)],
  )
  const [scope] = rows
  if (!scope) return []
  const users = asked.users ?? (asked.user === null ? null : [asked.user])
  const whose = users && users.map(bytes)
  const lists = [
    await byWords(query, scope, asked.text, whose),
    await byVector(query, scope, asked, whose),
    await byTopic(query, scope, asked),
  ] as const
  const [words, similarities, topics] = lists.map((list) => new Map(list.map(({ seq, score }) => [seq, score])))
  const merged = mergeRanks(lists)
  const found = await memoriesOf(query, merged)
  const hits: MemoryHit[] = []
  for (const { seq, score } of merged) {
    const memory = found.get(seq)
    if (!memory || !fits(memory, asked)) continue
    const scores = { words: words!.get(seq) ?? null, similarity: similarities!.get(seq) ?? null }
    hits.push({ memory, score, ...scores, topic: topics!.get(seq) ?? null })
    if (hits.length === asked.limit) break
  }
  return hits
}

async function byWords(query: Query, { scope, texts, words }: Scope, text: string, whose: Buffer[] | null) {
  const wanted = [...new Set(wordsOf(text))].slice(0, MAX_WORDS)
  const postings = `SELECT posting.word, posting.seq, posting.count, posting.length, ($3::bytea[] IS NULL OR user_id = ANY($3)) AS is_theirs
    FROM mneme_word AS posting JOIN mneme_memory AS memory ON memory.seq = posting.seq
    WHERE posting.scope = $1 AND posting.word = ANY($2)`
  type Row = Posting & { readonly word: string; readonly is_theirs: boolean }
  const { rows } = await query<Row>(postings, [scope, wanted, whose])
  const theirs = new Set(rows.filter((row) => row.is_theirs).map(({ seq }) => seq))
  const lists = wanted.map((word) => rows.filter((row) => row.word === word))
  const scores = scoreByWords(lists, texts, words)
  const seqs = [...scores.keys()].filter((seq) => theirs.has(seq))
  const found = Float64Array.from(seqs, (seq) => scores.get(seq)!)
  return best(seqs, found, DEPTH)
}

/** Exact: all vectors of the namespace, or of the users, are compared. */
async function byVector(
  query: Query,
  { scope }: Scope,
  { made }: MemoryQuery,
  whose: Buffer[] | null,
): Promise<Ranked[]> {
  if (!made) return []
  const nearest = `SELECT seq, -(vector <#> $1::vector) AS score FROM mneme_memory
    WHERE scope = $2 AND embedder = $3 AND ($4::bytea[] IS NULL OR user_id = ANY($4))
    ORDER BY vector <#> $1::vector, seq DESC LIMIT ${DEPTH}`
  const values = [vectorText(made.vector), scope, made.embedder, whose]
  return (await query<{ seq: number; score: number }>(nearest, values)).rows
}

/** Memories that say what is asked for. */
async function byTopic(query: Query, { scope }: Scope, { user, topics }: MemoryQuery): Promise<Ranked[]> {
  if (topics.length === 0) return []
  const known = `SELECT seq, topic FROM mneme_memory
    WHERE scope = $1 AND ($2::bytea IS NULL OR user_id = $2) AND topic IS NOT NULL AND ended IS NULL`
  const { rows } = await query<{ seq: number; topic: Buffer }>(known, [scope, user === null ? null : bytes(user)])
  const ranked = rows.flatMap(({ seq, topic }) => {
    const score = Math.max(...topics.map((one) => sameTopic(one, topicOf(topic.toString()))))
    return score < LEAST_TOPIC ? [] : [{ seq, score }]
  })
  return ranked.toSorted((a, b) => b.score - a.score || b.seq - a.seq).slice(0, DEPTH)
}

async function memoriesOf(query: Query, ranked: readonly Ranked[]): Promise<Map<number, Memory>> {
  if (ranked.length === 0) return new Map()
  const those = `${SELECT} WHERE seq = ANY($1) AND (expires IS NULL OR expires > $2)`
  const { rows } = await query<MemoryRow>(those, [ranked.map(({ seq }) => seq), Date.now()])
  return new Map(rows.map((row) => [row.seq, memoryOf(row)]))
}

function fits({ ended, metadata }: Memory, asked: MemoryQuery): boolean {
  if (ended !== null && !asked.ended) return false
  return Object.entries(asked.metadata).every(([key, value]) => metadata[key] === value)
}
