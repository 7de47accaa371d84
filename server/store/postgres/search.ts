/** Which memories of a namespace fit a query: the lists of server/store/memory-search.ts, from PostgreSQL. */
import { sameTopic } from '../../memory/facts/topic.ts'
import { best, mergeScores, scoreByWords, type Ranked } from '../../memory/rank.ts'
import { isFormOf, together, wordFormsOf } from '../../memory/word-forms.ts'
import type { Memory, MemoryHit, MemoryQuery } from '../memory-calls.ts'
import { DEPTH, LATE, LEAST_TOPIC, MOST_LATE } from '../memory-search.ts'
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
  const [ofWords, meaning, topic] = lists
  const merged = mergeScores({ words: ofWords, meaning, topic, late: await lateOf(query, scope, asked, whose) })
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
  const all = wordFormsOf(text)
  const ranges = all.flatMap((forms, at) => forms.ranges.map((range) => ({ ...range, at })))
  const postings = `SELECT at, posting.word, posting.seq, posting.count, posting.length,
      ($2::bytea[] IS NULL OR user_id = ANY($2)) AS is_theirs
    FROM unnest($3::int[], $4::text[], $5::text[]) AS range (at, low, high)
    JOIN mneme_word AS posting ON posting.scope = $1
      AND posting.word >= range.low COLLATE "C" AND posting.word < range.high COLLATE "C"
    JOIN mneme_memory AS memory ON memory.seq = posting.seq`
  const columns = [ranges.map(({ at }) => at), ranges.map(({ from }) => from), ranges.map(({ to }) => to)]
  interface Row {
    readonly at: number
    readonly word: string
    readonly seq: number
    readonly count: number
    readonly length: number
    readonly is_theirs: boolean
  }
  const { rows } = await query<Row>(postings, [scope, whose, ...columns])
  const theirs = new Set(rows.filter((row) => row.is_theirs).map(({ seq }) => seq))
  const lists = all.map((forms, at) => {
    const found = rows.filter((row) => row.at === at && isFormOf(forms, row.word))
    return together(found.map((row) => ({ seqs: [row.seq], counts: [row.count], lengths: [row.length] })))
  })
  const scores = scoreByWords(lists, texts, words)
  return best(
    [...scores].filter(([seq]) => theirs.has(seq)),
    DEPTH,
  )
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

/** Memories of the last turns that have no vector yet. */
async function lateOf(
  query: Query,
  { scope }: Scope,
  { made }: MemoryQuery,
  whose: Buffer[] | null,
): Promise<number[]> {
  if (!made || whose?.length !== 1) return []
  const late = `SELECT seq FROM mneme_memory WHERE seq > (SELECT max(seq) FROM mneme_memory) - ${LATE} AND scope = $1
    AND user_id = $2 AND embedder IS NULL AND ended IS NULL ORDER BY seq DESC LIMIT ${MOST_LATE}`
  return (await query<{ seq: number }>(late, [scope, whose[0]])).rows.map(({ seq }) => seq)
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
