/** Which memories of a namespace fit a query: by words, by vectors and by topics, merged by their scores. */
import type Database from 'libsql'
import { best, mergeScores, scoreByWords, sorted, type Ranked } from '../memory/rank.ts'
import type { MadeVector, MemoryHit, MemoryQuery } from './memory-calls.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { topicOf } from './memory-row.ts'
import type { MemoryVectors } from './memory-vectors.ts'
import type { VectorTables } from './vector-tables.ts'
import { createWordPostings } from './word-postings.ts'
import type { Near } from '../vector-index/index-types.ts'

/** Of each list: what ranks behind it adds little to a merged rank. */
export const DEPTH = 128
/** From which score on a memory is about what is asked for. */
export const LEAST_TOPIC = 0.5

/** Memories of the last turns have no vector yet: of the last so many rows, this many are found in any case. */
export const LATE = 256
export const MOST_LATE = 4

export type SearchHit = Omit<MemoryHit, 'memory'> & { readonly seq: number }

export interface MemorySearch {
  /** Best first. More than the query's limit: some may be over, or lack the metadata. */
  find(scope: number, query: MemoryQuery, near: Near | null): SearchHit[]
}

export function createMemorySearch(
  database: Database.Database,
  tables: VectorTables,
  vectors: MemoryVectors,
): MemorySearch {
  const sql = {
    totals: database.prepare('SELECT texts, words FROM memory_scope WHERE scope = ?'),
    topics: database.prepare(
      `SELECT user_id, topic, max(seq) AS seq FROM memory
        WHERE scope = ? AND (? IS NULL OR user_id = ?) AND topic IS NOT NULL AND ended IS NULL GROUP BY user_id, topic`,
    ),
    onTopic: database.prepare(
      'SELECT seq FROM memory WHERE scope = ? AND user_id = ? AND topic = ? AND ended IS NULL ORDER BY seq DESC LIMIT ?',
    ),
    unembedded: database.prepare(
      `SELECT seq FROM memory WHERE seq > (SELECT max(seq) FROM memory) - ${LATE} AND scope = ? AND (? IS NULL OR user_id = ?)
        AND embedder IS NULL AND ended IS NULL ORDER BY seq DESC LIMIT ${MOST_LATE}`,
    ),
    ofUser: database.prepare('SELECT json_group_array(seq) AS seqs FROM memory WHERE scope = ? AND user_id = ?'),
  }
  const postingsOf = createWordPostings(database, 'memory')
  /** Memories of users; null where all are. */
  const memoriesOf = (scope: number, users: readonly string[] | null): ReadonlySet<number> | null => {
    if (users === null || (users.length === 1 && tables.isAlone(scope, users[0]!))) return null
    const all = users.map((one) => (sql.ofUser.get(scope, one) as { seqs: string }).seqs)
    return new Set(all.flatMap((seqs) => JSON.parse(seqs) as number[]))
  }
  const nearestOf = (scope: number, users: readonly string[] | null, made: MadeVector, near: Near | null): Ranked[] => {
    if (users === null || users.length === 1) return vectors.nearest(scope, users?.[0] ?? null, made, DEPTH, near)
    // What an index found is of the whole namespace or of one user.
    return sorted(users.flatMap((one) => vectors.nearest(scope, one, made, DEPTH, null))).slice(0, DEPTH)
  }
  const byWords = (scope: number, text: string, users: readonly string[] | null): Ranked[] => {
    const { texts, words } = sql.totals.get(scope) as { texts: number; words: number }
    const scores = scoreByWords(postingsOf(scope, text, users), texts, words)
    const allowed = scores.size === 0 ? null : memoriesOf(scope, users)
    return best(allowed ? [...scores].filter(([seq]) => allowed.has(seq)) : scores, DEPTH)
  }
  /** Memories that say what is asked for. */
  const byTopic = (scope: number, user: string | null, asked: MemoryQuery['topics']): Ranked[] => {
    if (asked.length === 0) return []
    const known = sql.topics.all(scope, user, user) as { user_id: string; topic: string }[]
    const ranked = known.flatMap(({ user_id: whose, topic }) => {
      const score = Math.max(...asked.map((one) => sameTopic(one, topicOf(topic))))
      if (score < LEAST_TOPIC) return []
      return (sql.onTopic.all(scope, whose, topic, DEPTH) as { seq: number }[]).map(({ seq }) => ({ seq, score }))
    })
    return ranked.toSorted((a, b) => b.score - a.score || b.seq - a.seq).slice(0, DEPTH)
  }
  return {
    find(scope, { user, users = user === null ? null : [user], topics, text, made }, near) {
      const words = byWords(scope, text, users)
      const nearest = made ? nearestOf(scope, users, made, near) : []
      const asked = byTopic(scope, user, topics)
      const late = made && users?.length === 1 ? (sql.unembedded.all(scope, user, user) as { seq: number }[]) : []
      const [scoresOfWords, similarities, scoresOfTopics] = [words, nearest, asked].map(
        (list) => new Map(list.map(({ seq, score }) => [seq, score])),
      ) as [Map<number, number>, Map<number, number>, Map<number, number>]
      return mergeScores({ words, meaning: nearest, topic: asked, late: late.map(({ seq }) => seq) }).map(
        ({ seq, score }) => ({
          seq,
          score,
          words: scoresOfWords.get(seq) ?? null,
          similarity: similarities.get(seq) ?? null,
          topic: scoresOfTopics.get(seq) ?? null,
        }),
      )
    },
  }
}
