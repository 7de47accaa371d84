/** Memories in the database: rows, the index of their words, and the vectors of namespaces that are searched. */
import type Database from 'libsql'
import { topicKey } from '../memory/facts/supersede.ts'
import { countWords, wordsOf } from '../memory/words.ts'
import type { EraseTarget } from './erase-calls.ts'
import type { MadeVector, Memory, MemoryCalls, MemoryEvent, MemoryHit } from './memory-calls.ts'
import {
  aboutOf,
  checksumOfMemory,
  hashOf,
  memoryOf,
  SELECT_MEMORY,
  takenOf,
  textOf,
  topicOf,
  vectorBytes,
} from './memory-row.ts'
import type { MemoryRow } from './memory-row.ts'
import type { Consolidation } from './consolidate.ts'
import { createMemorySearch } from './memory-search.ts'
import type { VectorSearch } from './vector-search.ts'
import type { Damage } from './store.ts'
import { type Blob, bytesOf } from './turn-row.ts'

export interface Memories extends MemoryCalls {
  /** What a deletion chooses: its number and its id. */
  chosen(owner: string, target: ChosenMemories): { readonly seq: number; readonly id: string }[]
  /** Deletes a memory with all that is kept of it; returns how many rows that were. */
  drop(seq: number): DroppedMemory
}

export type ChosenMemories = Extract<EraseTarget, { kind: 'memory' | 'memories' }>

/** Rows that went with a memory. */
export interface DroppedMemory {
  readonly words: number
  readonly vectors: number
  readonly history: number
  readonly uses: number
}

/** `report` is told of memories that are not what was written. `groups`: null where every memory stands for itself. */
export function createMemories(
  database: Database.Database,
  { tables, vectors }: VectorSearch,
  report: (damage: Damage) => void,
  groups: Pick<Consolidation, 'medoidOf' | 'membersOf'> | null,
): Omit<Memories, 'consolidateMemories'> {
  const sql = prepare(database)
  const search = createMemorySearch(database, tables, vectors)
  /** By namespace. A change that is rolled back counts, too. */
  const changes = new Map<number, number>()
  const countChange = (scope: number): void => void changes.set(scope, (changes.get(scope) ?? 0) + 1)

  /** The row as a memory. Throws StoreError `corrupt`, and tells. */
  const read = (owner: string, row: MemoryRow): ReturnType<typeof memoryOf> => {
    try {
      return memoryOf(owner, row)
    } catch (error) {
      report({ what: 'memory', id: Buffer.from(bytesOf(row.id)).toString() })
      throw error
    }
  }
  /** Those of the rows that are what was written. */
  const readable = (owner: string, rows: readonly MemoryRow[]): Memory[] =>
    rows.flatMap((row) => {
      try {
        return [read(owner, row).memory]
      } catch {
        return []
      }
    })
  const rowOf = (owner: string, id: string): MemoryRow | undefined => {
    const row = sql.byId.get(owner, id) as MemoryRow | undefined
    return row && !isOver(row) ? row : undefined
  }
  const scopeOf = (owner: string, namespace: string): number => {
    sql.addScope.run(owner, namespace)
    return (sql.scope.get(owner, namespace) as { scope: number }).scope
  }
  const index = (scope: number, seq: number, text: string): void => {
    const words = wordsOf(text)
    const counts = countWords(words)
    for (const [word, count] of counts) sql.addWord.run(scope, word, seq, count, words.length)
    sql.setWords.run(words.length, seq)
    sql.count.run(1, words.length, scope)
  }
  const unindex = (scope: number, seq: number, text: string): number => {
    const words = wordsOf(text)
    const distinct = new Set(words)
    for (const word of distinct) sql.removeWord.run(scope, word, seq)
    sql.count.run(-1, -words.length, scope)
    return distinct.size
  }
  const drop = (row: MemoryRow): DroppedMemory => {
    const { seq, scope, text, vector } = row
    const history = sql.removeEvents.run(seq).changes
    const uses = sql.removeUses.run(seq).changes
    sql.remove.run(seq)
    let words: number
    if (isIntact(row)) words = unindex(scope, seq, textOf(text))
    else {
      // Nobody knows what its words were.
      words = sql.removeWordsOf.run(scope, seq).changes
      sql.recount.run(scope)
    }
    vectors.removed(scope, seq)
    countChange(scope)
    return { words, uses, history, vectors: vector ? 1 : 0 }
  }
  const write = (owner: string, seq: number, scope: number, memory: Memory, made: MadeVector | null): void => {
    const { text, metadata, updated, expires, source, fact, ended } = memory
    const vector = made && vectorBytes(made.vector)
    const [taken, topic] = [takenOf(memory), fact && topicKey(fact)]
    const values = [
      Buffer.from(text),
      hashOf(text, fact && aboutOf(fact)),
      Buffer.from(JSON.stringify(metadata)),
      updated,
      expires,
    ]
    const origin = [taken && Buffer.from(taken), source?.response ?? null, topic, ended]
    const sum = checksumOfMemory(owner, memory, made)
    sql.change.run(...values, made?.embedder ?? null, vector, ...origin, sum, seq)
    vectors.changed(scope, seq)
    countChange(scope)
  }
  const event = (seq: number, kind: MemoryEvent['kind'], { text, metadata, updated }: Memory): void =>
    void sql.addEvent.run(seq, kind, updated, Buffer.from(text), Buffer.from(JSON.stringify(metadata)))
  const add = (owner: string, scope: number, memory: Memory, made: MadeVector | null): void => {
    const { id, user, created } = memory
    const { lastInsertRowid } = sql.add.run(id, scope, user ?? '', created)
    const seq = Number(lastInsertRowid)
    write(owner, seq, scope, memory, made)
    index(scope, seq, memory.text)
    event(seq, 'added', memory)
  }
  /** A memory does not hold from `time` on. */
  const end = (owner: string, id: string, time: number): void => {
    const row = rowOf(owner, id)
    if (!row || row.ended !== null) return
    const { memory, made } = read(owner, row)
    write(owner, row.seq, row.scope, { ...memory, ended: time }, made)
  }
  const dropAll = (rows: unknown[]): number => {
    for (const row of rows as MemoryRow[]) drop(row)
    return rows.length
  }
  return {
    addMemory(owner, memory, made) {
      const scope = scopeOf(owner, memory.namespace)
      const known = sql.same.get(scope, memory.user ?? '', hashOf(memory.text)) as MemoryRow | undefined
      if (known && !isOver(known)) return { memory: read(owner, known).memory, added: false }
      if (known) drop(known)
      add(owner, scope, memory, made)
      return { memory, added: true }
    },
    tellMemories(owner, told) {
      for (const { namespace, user, ends, memory } of told) {
        const scope = scopeOf(owner, namespace)
        for (const id of ends) end(owner, id, memory?.created ?? Date.now())
        const hash = memory && hashOf(memory.text, memory.fact && aboutOf(memory.fact))
        const known = hash && (sql.same.get(scope, user ?? '', hash) as MemoryRow | undefined)
        // What is said again holds from now on.
        if (known && (known.ended !== null || isOver(known))) drop(known)
        else if (known) continue
        if (memory) add(owner, scope, memory, null)
      }
    },
    memoryGroup(owner, id) {
      const row = rowOf(owner, id)
      if (!row) return null
      const medoid = groups?.medoidOf(row.seq) ?? null
      const rows = (groups?.membersOf(row.seq) ?? []).map((seq) => sql.bySeq.get(seq) as MemoryRow)
      const into = medoid === null ? null : (sql.bySeq.get(medoid) as MemoryRow)
      return { into: into && Buffer.from(bytesOf(into.id)).toString(), members: readable(owner, rows) }
    },
    chosen(owner, target) {
      // Not by `byId`: after `all`, libsql 0.5 answers the next `get` of the same statement with the row that `all` found.
      const rows =
        target.kind === 'memory'
          ? sql.chosenById.all(owner, target.id)
          : sql.chosen.all(owner, ...[target.filter.namespace, target.filter.user].flatMap((one) => [one, one]))
      return (rows as Pick<MemoryRow, 'seq' | 'id'>[]).map(({ seq, id }) => ({
        seq,
        id: Buffer.from(bytesOf(id)).toString(),
      }))
    },
    drop: (seq) => drop(sql.bySeq.get(seq) as MemoryRow),
    findMemory(owner, id) {
      const row = rowOf(owner, id)
      return row ? read(owner, row).memory : null
    },
    listMemories(owner, { namespace, user, limit, after, order }) {
      const isUp = order === 'asc'
      const first = isUp ? -1 : Number.MAX_SAFE_INTEGER
      const from = after === null ? first : (rowOf(owner, after)?.seq ?? first)
      const statement = isUp ? sql.listUp : sql.listDown
      const rows = statement.all(owner, namespace, namespace, user, user, Date.now(), from, limit)
      return readable(owner, rows as MemoryRow[])
    },
    factsOf(owner, { namespace, user, topics, ended, limit }) {
      const found = sql.scope.get(owner, namespace) as { scope: number } | undefined
      if (!found) return []
      const keys = topics === null ? [null] : [...new Set(topics.map(topicKey))]
      const rows = keys.flatMap(
        (key) => sql.facts.all(found.scope, user ?? '', key, key, ended ? 1 : 0, limit) as MemoryRow[],
      )
      const holding = rows.filter((row) => !isOver(row)).toSorted((a, b) => b.seq - a.seq)
      return readable(owner, holding.slice(0, limit))
    },
    changesOf(owner, namespace) {
      const found = sql.scope.get(owner, namespace) as { scope: number } | undefined
      return found ? (changes.get(found.scope) ?? 0) : 0
    },
    topicsOf(owner, { namespace, user }) {
      const found = sql.scope.get(owner, namespace) as { scope: number } | undefined
      const rows = found ? sql.topics.all(found.scope, user ?? '') : []
      return (rows as { topic: Blob }[]).map(({ topic }) => topicOf(textOf(topic)))
    },
    keptTexts(owner, { namespace, user, ended, texts }) {
      const found = sql.scope.get(owner, namespace) as { scope: number } | undefined
      if (!found) return []
      return texts.filter((text) => {
        const row = sql.same.get(found.scope, user ?? '', hashOf(text)) as MemoryRow | undefined
        return row && (row.ended !== null) === ended && !isOver(row)
      })
    },
    memoryNamespaces: (owner) =>
      (sql.namespaces.all(owner) as { namespace: Blob; texts: number }[]).map(({ namespace, texts }) => ({
        namespace: textOf(namespace),
        memories: texts,
      })),
    searchMemories(owner, query, near = null) {
      const found = sql.scope.get(owner, query.namespace) as { scope: number } | undefined
      if (!found) return []
      const hits = search.find(found.scope, query, near)
      const wanted = Object.entries(query.metadata)
      const fits = (seq: number): Memory | null => {
        const row = sql.bySeq.get(seq) as MemoryRow | undefined
        if (!row || isOver(row) || (row.ended !== null && !query.ended)) return null
        const [memory] = readable(owner, [row])
        return memory && wanted.every(([key, value]) => memory.metadata[key] === value) ? memory : null
      }
      const kept = new Map<string, MemoryHit>()
      for (const { seq, ...scores } of hits) {
        if (kept.size === query.limit) break
        // Where the one that stands for it does not fit, it stands for itself.
        const medoid = query.ended ? null : (groups?.medoidOf(seq) ?? null)
        const memory = (medoid === null ? null : fits(medoid)) ?? fits(seq)
        if (memory && !kept.has(memory.id)) kept.set(memory.id, { memory, ...scores })
      }
      return [...kept.values()]
    },
    changeMemory(owner, id, change, made) {
      const row = rowOf(owner, id)
      if (!row) return 'unknown'
      const { memory: before, made: madeBefore } = read(owner, row)
      const same = sql.same.get(row.scope, before.user ?? '', hashOf(change.text)) as MemoryRow | undefined
      if (same && same.seq !== row.seq) return 'taken'
      const memory = { ...before, ...change }
      const isSameText = change.text === before.text
      if (!isSameText) unindex(row.scope, row.seq, before.text)
      write(owner, row.seq, row.scope, memory, isSameText ? (made ?? madeBefore) : made)
      if (!isSameText) index(row.scope, row.seq, memory.text)
      event(row.seq, 'updated', memory)
      return memory
    },
    memoryHistory(owner, id) {
      const row = rowOf(owner, id)
      if (!row) return null
      const events = sql.events.all(row.seq) as { kind: Blob; time: number; text: Blob; metadata: Blob }[]
      return events.map(({ kind, time, text, metadata }) => ({
        kind: textOf(kind) as MemoryEvent['kind'],
        time,
        text: textOf(text),
        metadata: JSON.parse(textOf(metadata)) as Memory['metadata'],
      }))
    },
    expireMemories: () => dropAll(sql.expired.all(Date.now())),
    unembeddedMemories: (embedder, limit) =>
      (sql.unembedded.all(embedder, limit) as { owner: Blob; id: Blob; text: Blob }[]).map(({ owner, id, text }) => ({
        owner: textOf(owner),
        id: textOf(id),
        text: textOf(text),
      })),
    embedMemory(owner, id, text, made) {
      const row = rowOf(owner, id)
      const memory = row && read(owner, row).memory
      if (!row || memory?.text !== text) return false
      write(owner, row.seq, row.scope, memory, made)
      return true
    },
  }
}

/** Deletes those that a filter chooses; returns how many. */
export function dropChosen(
  memories: Pick<Memories, 'chosen' | 'drop'>,
  owner: string,
  filter: Extract<ChosenMemories, { kind: 'memories' }>['filter'],
): number {
  const chosen = memories.chosen(owner, { kind: 'memories', filter })
  for (const { seq } of chosen) memories.drop(seq)
  return chosen.length
}

const isOver = ({ expires }: Pick<MemoryRow, 'expires'>): boolean => expires !== null && expires <= Date.now()

/** Whether the text is the one whose words were indexed. Rows of format 6 may have a hash without the value. */
function isIntact({ hash, text, topic, taken }: MemoryRow): boolean {
  const fact = taken && readFact(taken)
  const known = [null, topic && textOf(topic), fact && aboutOf(fact)]
  return known.some((about) => hashOf(bytesOf(text), about).equals(bytesOf(hash)))
}

function readFact(taken: Blob): Memory['fact'] {
  try {
    return (JSON.parse(textOf(taken)) as Pick<Memory, 'fact'>).fact
  } catch {
    return null
  }
}

function prepare(database: Database.Database) {
  const listed = `${SELECT_MEMORY} WHERE owner = ? AND (? IS NULL OR namespace = ?) AND (? IS NULL OR user_id = ?)
    AND (expires IS NULL OR expires > ?)`
  const ids = `SELECT seq, CAST(id AS BLOB) AS id FROM memory
    JOIN memory_scope ON memory_scope.scope = memory.scope WHERE owner = ?`
  return {
    addScope: database.prepare('INSERT INTO memory_scope (owner, namespace) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    scope: database.prepare('SELECT scope FROM memory_scope WHERE owner = ? AND namespace = ?'),
    count: database.prepare('UPDATE memory_scope SET texts = texts + ?, words = words + ? WHERE scope = ?'),
    recount: database.prepare(`UPDATE memory_scope SET
      texts = (SELECT count(*) FROM memory WHERE memory.scope = memory_scope.scope),
      words = (SELECT coalesce(sum(words), 0) FROM memory WHERE memory.scope = memory_scope.scope) WHERE scope = ?`),
    namespaces: database.prepare(`SELECT CAST(namespace AS BLOB) AS namespace, texts FROM memory_scope
      WHERE owner = ? AND texts > 0 ORDER BY namespace`),
    add: database.prepare(`INSERT INTO memory (id, scope, user_id, text, hash, metadata, created, updated, words, checksum)
      VALUES (?, ?, ?, x'', randomblob(32), x'', ?, 0, 0, x'')`),
    change: database.prepare(`UPDATE memory SET text = ?, hash = ?, metadata = ?, updated = ?, expires = ?,
      embedder = ?, vector = ?, taken = ?, source = ?, topic = ?, ended = ?, checksum = ? WHERE seq = ?`),
    setWords: database.prepare('UPDATE memory SET words = ? WHERE seq = ?'),
    remove: database.prepare('DELETE FROM memory WHERE seq = ?'),
    removeUses: database.prepare('DELETE FROM memory_use WHERE memory = ?'),
    same: database.prepare(`${SELECT_MEMORY} WHERE memory.scope = ? AND user_id = ? AND hash = ?`),
    facts: database.prepare(
      `${SELECT_MEMORY} WHERE memory.scope = ? AND user_id = ? AND topic IS NOT NULL AND (? IS NULL OR topic = ?)
        AND (? OR ended IS NULL) ORDER BY seq DESC LIMIT ?`,
    ),
    topics: database.prepare(`SELECT DISTINCT CAST(topic AS BLOB) AS topic FROM memory
      WHERE scope = ? AND user_id = ? AND topic IS NOT NULL AND ended IS NULL`),
    byId: database.prepare(`${SELECT_MEMORY} WHERE owner = ? AND id = ?`),
    bySeq: database.prepare(`${SELECT_MEMORY} WHERE seq = ?`),
    listUp: database.prepare(`${listed} AND seq > ? ORDER BY seq LIMIT ?`),
    listDown: database.prepare(`${listed} AND seq < ? ORDER BY seq DESC LIMIT ?`),
    chosen: database.prepare(`${ids} AND (? IS NULL OR namespace = ?) AND (? IS NULL OR user_id = ?)`),
    chosenById: database.prepare(`${ids} AND id = ?`),
    expired: database.prepare(`${SELECT_MEMORY} WHERE expires <= ?`),
    unembedded: database.prepare(`SELECT CAST(owner AS BLOB) AS owner, CAST(id AS BLOB) AS id, text
      FROM memory JOIN memory_scope ON memory_scope.scope = memory.scope WHERE embedder IS NOT ? ORDER BY seq LIMIT ?`),
    addWord: database.prepare('INSERT INTO memory_word (scope, word, seq, count, length) VALUES (?, ?, ?, ?, ?)'),
    removeWord: database.prepare('DELETE FROM memory_word WHERE scope = ? AND word = ? AND seq = ?'),
    removeWordsOf: database.prepare('DELETE FROM memory_word WHERE scope = ? AND seq = ?'),
    addEvent: database.prepare('INSERT INTO memory_event (seq, kind, time, text, metadata) VALUES (?, ?, ?, ?, ?)'),
    removeEvents: database.prepare('DELETE FROM memory_event WHERE seq = ?'),
    events: database.prepare(`SELECT CAST(kind AS BLOB) AS kind, time, text, metadata FROM memory_event WHERE seq = ?
      ORDER BY event`),
  }
}
