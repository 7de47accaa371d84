/** Which memories of a namespace fit a query: by words from the index, by vectors from blocks in memory, merged by rank. */
import type Database from 'libsql'
import { best, mergeRanks, scoreByWords, type Posting, type Ranked } from '../memory/rank.ts'
import { VectorBlock } from '../memory/vector-block.ts'
import { wordsOf } from '../memory/words.ts'
import type { MemoryHit, MemoryQuery } from './memory-calls.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { topicOf, vectorOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

/** Of each list: what ranks behind it adds little to a merged rank. */
const DEPTH = 128
/** From which score on a memory is about what is asked for. */
const LEAST_TOPIC = 0.5
/** Words of a query that are looked up. */
const MAX_WORDS = 64
/** Vectors that are kept in memory; namespaces that were searched longest ago give way. */
const CACHE_BYTES = 256 * 1024 * 1024

export type SearchHit = Omit<MemoryHit, 'memory'> & { readonly seq: number }

export interface MemorySearch {
  /** Best first. More than the query's limit: some may be over, or lack the metadata. */
  find(scope: number, query: MemoryQuery): SearchHit[]
  /** A memory was written or deleted, or will not have been if the transaction fails: it is looked at before the next search. */
  changed(scope: number, seq: number): void
}

interface Block {
  readonly embedder: string
  readonly vectors: VectorBlock
  /** Memories whose vectors may be others by now. */
  readonly stale: Set<number>
}

export function createMemorySearch(database: Database.Database): MemorySearch {
  const sql = {
    totals: database.prepare('SELECT texts, words FROM memory_scope WHERE scope = ?'),
    postings: database.prepare('SELECT seq, count, length FROM memory_word WHERE scope = ? AND word = ?'),
    vectors: database.prepare('SELECT seq, vector FROM memory WHERE scope = ? AND embedder = ? ORDER BY seq'),
    vector: database.prepare('SELECT vector FROM memory WHERE scope = ? AND seq = ? AND embedder = ?'),
    topics: database.prepare(
      `SELECT user_id, topic, max(seq) AS seq FROM memory
        WHERE scope = ? AND (? IS NULL OR user_id = ?) AND topic IS NOT NULL AND ended IS NULL GROUP BY user_id, topic`,
    ),
    onTopic: database.prepare(
      'SELECT seq FROM memory WHERE scope = ? AND user_id = ? AND topic = ? AND ended IS NULL ORDER BY seq DESC LIMIT ?',
    ),
    ofUser: database.prepare('SELECT seq FROM memory WHERE scope = ? AND user_id = ?'),
  }
  // In the order of their last use.
  const blocks = new Map<number, Block>()

  const blockOf = (scope: number, embedder: string, width: number): VectorBlock => {
    const known = blocks.get(scope)
    const block =
      known?.embedder === embedder
        ? known
        : { embedder, vectors: load(scope, embedder, width), stale: new Set<number>() }
    refresh(scope, block)
    blocks.delete(scope)
    blocks.set(scope, block)
    let bytes = [...blocks.values()].reduce((sum, { vectors }) => sum + vectors.bytes, 0)
    for (const [other, { vectors }] of blocks) {
      if (bytes <= CACHE_BYTES || other === scope) break
      blocks.delete(other)
      bytes -= vectors.bytes
    }
    return block.vectors
  }
  const load = (scope: number, embedder: string, width: number): VectorBlock => {
    const block = new VectorBlock(width)
    for (const { seq, vector } of sql.vectors.all(scope, embedder) as { seq: number; vector: Blob }[])
      block.set(seq, vectorOf(vector))
    return block
  }
  const refresh = (scope: number, { embedder, vectors, stale }: Block): void => {
    for (const seq of stale) {
      const row = sql.vector.get(scope, seq, embedder) as { vector: Blob } | undefined
      if (row) vectors.set(seq, vectorOf(row.vector))
      else vectors.delete(seq)
    }
    stale.clear()
  }
  const byWords = (scope: number, text: string, allowed: ReadonlySet<number> | null): Ranked[] => {
    const { texts, words } = sql.totals.get(scope) as { texts: number; words: number }
    const lists = [...new Set(wordsOf(text))]
      .slice(0, MAX_WORDS)
      .map((word) => sql.postings.all(scope, word) as Posting[])
    const scores = scoreByWords(lists, texts, words)
    const seqs = [...scores.keys()].filter((seq) => !allowed || allowed.has(seq))
    const found = Float64Array.from(seqs, (seq) => scores.get(seq)!)
    return best(seqs, found, DEPTH)
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
    find(scope, { user, users = user === null ? null : [user], topics, text, made }) {
      const rows = users && users.flatMap((one) => sql.ofUser.all(scope, one) as { seq: number }[])
      const allowed = rows && new Set(rows.map(({ seq }) => seq))
      const words = byWords(scope, text, allowed)
      const near = made ? blockOf(scope, made.embedder, made.vector.length).nearest(made.vector, DEPTH, allowed) : []
      const asked = byTopic(scope, user, topics)
      const [scoresOfWords, similarities, scoresOfTopics] = [words, near, asked].map(
        (list) => new Map(list.map(({ seq, score }) => [seq, score])),
      ) as [Map<number, number>, Map<number, number>, Map<number, number>]
      return mergeRanks([words, near, asked]).map(({ seq, score }) => ({
        seq,
        score,
        words: scoresOfWords.get(seq) ?? null,
        similarity: similarities.get(seq) ?? null,
        topic: scoresOfTopics.get(seq) ?? null,
      }))
    },
    changed: (scope, seq) => void blocks.get(scope)?.stale.add(seq),
  }
}
