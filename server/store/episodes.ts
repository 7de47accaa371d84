/** The index of turns: written in the turn's transaction, within a limit for each owner, and gone with the turn. */
import type Database from 'libsql'
import { retentionOf } from '../memory/importance.ts'
import { best, mergeScores, scoreByWords, type Ranked } from '../memory/rank.ts'
import { innerProduct, TopRanked } from '../memory/top-ranked.ts'
import { countWords, wordsOf } from '../memory/words.ts'
import type { EpisodeCalls, EpisodeHit, EpisodeQuery, NewEpisode } from './episode-calls.ts'
import { textOf, vectorBytes, vectorOf } from './memory-row.ts'
import type { TurnRecord } from './store.ts'
import type { Blob } from './turn-row.ts'
import { createWordPostings } from './word-postings.ts'

/** Of each list: what ranks behind it adds little to a merged rank. */
const DEPTH = 128
/** More than a turn adds, so that a limit that was made smaller is reached; few, so that no turn waits for long. */
const EVICTED_AT_ONCE = 64

export interface Episodes extends EpisodeCalls {
  add(turn: TurnRecord, episode: NewEpisode): void
  /** A memory that was taken from a turn was read: the turn stays longer. */
  wasRead(owner: string, memory: string): void
  /** Takes a turn out of the index and forgets whose it was. */
  remove(response: string): void
  /** The turns of a namespace, or of a user in it. */
  responsesOf(owner: string, filter: { readonly namespace: string | null; readonly user: string | null }): string[]
}

interface Row {
  readonly seq: number
  readonly scope: number
  readonly owner: string
  readonly importance: number
  readonly reads: number
  readonly created: number
  readonly indexed: number
  readonly words: number
}

/** An owner has at most `limit` turns in the index; beyond it those go that matter least by now. */
export function createEpisodes(database: Database.Database, limit: number): Episodes {
  const sql = prepare(database)
  const postingsOf = createWordPostings(database, 'episode')
  const scopeOf = (owner: string, namespace: string): number => {
    sql.addScope.run(owner, namespace)
    return (sql.scope.get(owner, namespace) as { scope: number }).scope
  }
  const index = (scope: number, seq: number, words: readonly string[]): void => {
    const counts = countWords(words)
    for (const [word, count] of counts) sql.addWord.run(scope, word, seq, count, words.length)
    sql.countScope.run(scope, words.length)
  }
  /** Takes a turn out of the index. */
  const unindex = ({ seq, scope, owner, indexed, words }: Row): void => {
    if (indexed === 0) return
    sql.removeWords.run(seq)
    sql.uncountScope.run(words, scope)
    sql.uncountOwner.run(owner)
    sql.count.run(-1, 'episodes')
    sql.evict.run(seq)
  }
  const evict = (owner: string): void => {
    const { episodes } = sql.ofOwner.get(owner) as { episodes: number }
    const most = Math.min(episodes - limit, EVICTED_AT_ONCE)
    if (most <= 0) return
    const rows = sql.least.all(owner, most) as Row[]
    for (const row of rows) unindex(row)
    sql.count.run(rows.length, 'episodesEvicted')
  }
  const nearest = (scope: number, { made }: EpisodeQuery, allowed: ReadonlySet<number> | null): Ranked[] => {
    if (!made) return []
    const top = new TopRanked(DEPTH)
    for (const { seq, vector } of sql.vectors.all(scope, made.embedder) as { seq: number; vector: Blob }[])
      if (!allowed || allowed.has(seq)) top.add(seq, innerProduct(made.vector, vectorOf(vector)))
    return top.sorted()
  }
  const byWords = (scope: number, { text, user }: EpisodeQuery, allowed: ReadonlySet<number> | null): Ranked[] => {
    const total = sql.totals.get(scope) as { texts: number; words: number } | undefined
    if (!total) return []
    const scores = scoreByWords(postingsOf(scope, text, user === null ? null : [user]), total.texts, total.words)
    return best(allowed ? [...scores].filter(([seq]) => allowed.has(seq)) : scores, DEPTH)
  }
  return {
    add(turn, { namespace, user, text, made, importance, pinned, created }) {
      const scope = scopeOf(turn.owner, namespace)
      const words = text === null ? [] : wordsOf(text)
      const isIndexed = words.length > 0
      const place = [turn.id, turn.owner, scope, user ?? '', created, importance, retentionOf(importance, 0, created)]
      const { lastInsertRowid } = sql.add.run(...place, pinned ? 1 : 0, isIndexed ? 1 : 0, words.length)
      if (!isIndexed) return
      index(scope, Number(lastInsertRowid), words)
      if (made) sql.embed.run(made.embedder, vectorBytes(made.vector), turn.owner, turn.id)
      sql.countOwner.run(turn.owner)
      sql.count.run(1, 'episodes')
      evict(turn.owner)
    },
    wasRead(owner, memory) {
      const row = sql.sourceOf.get(owner, memory) as Row | undefined
      if (!row) return
      const reads = row.reads + 1
      sql.read.run(reads, retentionOf(row.importance, reads, row.created), row.seq)
    },
    remove(response) {
      const row = sql.byResponse.get([response]) as Row | undefined
      if (!row) return
      unindex(row)
      sql.remove.run([row.seq])
    },
    responsesOf: (owner, { namespace, user }) =>
      (sql.responses.all(owner, namespace, namespace, user, user) as { response: Blob }[]).map((row) =>
        textOf(row.response),
      ),
    searchEpisodes(owner, query) {
      const found = sql.scope.get(owner, query.namespace) as { scope: number } | undefined
      if (!found) return []
      const rows = query.user === null ? null : (sql.ofUser.all(found.scope, query.user) as { seq: number }[])
      const allowed = rows && new Set(rows.map(({ seq }) => seq))
      const lists = [byWords(found.scope, query, allowed), nearest(found.scope, query, allowed)] as const
      const [words, similar] = lists.map((list) => new Map(list.map(({ seq, score }) => [seq, score])))
      return mergeScores({ words: lists[0], meaning: lists[1] })
        .slice(0, query.limit)
        .map(({ seq, score }) => {
          const row = sql.hit.get([seq]) as Pick<Row, 'created' | 'importance' | 'reads'> &
            Record<'response' | 'user_id', Blob>
          const user = textOf(row.user_id) || null
          const { created, importance, reads } = row
          const scores = { score, words: words!.get(seq) ?? null, similarity: similar!.get(seq) ?? null }
          return { response: textOf(row.response), user, created, importance, reads, ...scores } satisfies EpisodeHit
        })
    },
    embedEpisode: (owner, response, { embedder, vector }) =>
      sql.embed.run(embedder, vectorBytes(vector), owner, response).changes > 0,
    unembeddedEpisodes: (embedder, most) =>
      (sql.unembedded.all(embedder, most) as Record<'owner' | 'response', Blob>[]).map(({ owner, response }) => ({
        owner: textOf(owner),
        response: textOf(response),
      })),
  }
}

function prepare(database: Database.Database) {
  const columns =
    'episode.seq, episode.scope, episode.owner, importance, reads, episode.created, indexed, episode.words'
  return {
    addScope: database.prepare('INSERT INTO memory_scope (owner, namespace) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    scope: database.prepare('SELECT scope FROM memory_scope WHERE owner = ? AND namespace = ?'),
    add: database.prepare(`INSERT INTO episode
      (response, owner, scope, user_id, created, importance, retention, pinned, indexed, words)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    addWord: database.prepare('INSERT INTO episode_word (scope, word, seq, count, length) VALUES (?, ?, ?, ?, ?)'),
    removeWords: database.prepare('DELETE FROM episode_word WHERE seq = ?'),
    countScope: database.prepare(`INSERT INTO episode_scope (scope, texts, words) VALUES (?, 1, ?)
      ON CONFLICT DO UPDATE SET texts = texts + 1, words = words + excluded.words`),
    uncountScope: database.prepare('UPDATE episode_scope SET texts = texts - 1, words = words - ? WHERE scope = ?'),
    countOwner: database.prepare(`INSERT INTO episode_owner (owner, episodes) VALUES (?, 1)
      ON CONFLICT DO UPDATE SET episodes = episodes + 1`),
    uncountOwner: database.prepare('UPDATE episode_owner SET episodes = episodes - 1 WHERE owner = ?'),
    ofOwner: database.prepare('SELECT episodes FROM episode_owner WHERE owner = ?'),
    count: database.prepare('UPDATE counter SET value = value + ? WHERE name = ?'),
    least: database.prepare(`SELECT ${columns} FROM episode
      WHERE owner = ? AND indexed = 1 AND pinned = 0 ORDER BY retention LIMIT ?`),
    evict: database.prepare('UPDATE episode SET indexed = 0, words = 0, embedder = NULL, vector = NULL WHERE seq = ?'),
    remove: database.prepare('DELETE FROM episode WHERE seq = ?'),
    byResponse: database.prepare(`SELECT ${columns} FROM episode WHERE response = ?`),
    sourceOf: database.prepare(`SELECT ${columns} FROM memory JOIN episode ON episode.response = memory.source
      WHERE episode.owner = ? AND memory.id = ?`),
    read: database.prepare('UPDATE episode SET reads = ?, retention = ? WHERE seq = ?'),
    responses: database.prepare(`SELECT CAST(response AS BLOB) AS response FROM episode
      JOIN memory_scope ON memory_scope.scope = episode.scope
      WHERE memory_scope.owner = ? AND (? IS NULL OR namespace = ?) AND (? IS NULL OR user_id = ?)`),
    ofUser: database.prepare('SELECT seq FROM episode WHERE scope = ? AND user_id = ?'),
    totals: database.prepare('SELECT texts, words FROM episode_scope WHERE scope = ?'),
    postings: database.prepare('SELECT seq, count, length FROM episode_word WHERE scope = ? AND word = ?'),
    vectors: database.prepare('SELECT seq, vector FROM episode WHERE scope = ? AND embedder = ? ORDER BY seq'),
    hit: database.prepare(`SELECT CAST(response AS BLOB) AS response, CAST(user_id AS BLOB) AS user_id, created, importance,
      reads FROM episode WHERE seq = ?`),
    embed: database.prepare(
      `UPDATE episode SET embedder = ?, vector = ? WHERE owner = ? AND response = ? AND indexed = 1`,
    ),
    unembedded: database.prepare(`SELECT CAST(owner AS BLOB) AS owner, CAST(response AS BLOB) AS response FROM episode
      WHERE indexed = 1 AND embedder IS NOT ? ORDER BY seq LIMIT ?`),
  }
}
