/** Conversations in the log of turns, and what is kept of them besides: when they were made, where they go on, what was added. */
import type Database from 'libsql'
import type { Conversation, ConversationCalls, ConversationEnd } from './conversation-calls.ts'
import { StoreError } from './errors.ts'
import { textOf } from './memory-row.ts'
import type { ObjectCalls, StoredObject } from './object-calls.ts'
import type { TurnRecord } from './store.ts'
import type { Blob } from './turn-row.ts'

interface Row {
  readonly id: Blob
  readonly root: Blob
  readonly created: number
  readonly model: Blob
  readonly position: number
}

export interface Conversations extends ConversationCalls {
  /** A turn in a conversation: the next one goes on from it. Throws StoreError `erased` where the conversation was deleted, `busy` where another turn came first. */
  goOn(turn: TurnRecord, read: readonly string[]): void
  /** A turn was deleted: where the conversation went on from it, it goes on from the one before. */
  goBack(
    owner: string,
    root: string,
    turn: { readonly id: string; readonly parent: string | null; readonly depth: number },
  ): void
}

const LAST_TURN = `SELECT CAST(id AS BLOB) AS id, CAST(root AS BLOB) AS root, created, CAST(model AS BLOB) AS model, position
  FROM response WHERE owner = ?`

type Kept = StoredObject<'conversation'>

export function createConversations(
  database: Database.Database,
  objects: Pick<ObjectCalls, 'addObject' | 'findObject' | 'changeObject'>,
): Conversations {
  const sql = prepare(database)
  const keyOf = (id: string) => ({ kind: 'conversation', parent: '', id }) as const
  const keptOf = (owner: string, id: string): Kept | null => objects.findObject(owner, keyOf(id)) as Kept | null
  const keep = (owner: string, { id, created, metadata, head, added }: ConversationEnd): void => {
    const body = { created, metadata, added }
    const label = head ?? ''
    objects.addObject(owner, { ...keyOf(id), label, tag: '', bytes: 0, expires: null, body }, null)
  }
  /** What is kept of it, or follows from its turns where nothing is. */
  const endOf = (owner: string, id: string, kept: Kept | null): ConversationEnd | null => {
    if (kept) return { id, ...kept.body, head: kept.label || null }
    const last = sql.lastOf.get(owner, id) as Row | undefined
    if (!last) return null
    const { created } = sql.counts.get(id) as { created: number }
    return { id, created, metadata: {}, head: textOf(last.id), added: [] }
  }
  const find = (owner: string, id: string, kept: Kept | null): Conversation | null => {
    const end = endOf(owner, id, kept)
    if (!end) return null
    const row = sql.lastOf.get(owner, id) as Row | undefined
    const { turns } = sql.counts.get(id) as { turns: number }
    if (!row) return { ...end, turns, last: null }
    const { created, position } = row
    return { ...end, turns, last: { response: textOf(row.id), created, model: textOf(row.model), position } }
  }
  /** Nothing where it is damaged: what is in the log is still there. */
  const readable = (owner: string, id: string): Kept | null => {
    try {
      return keptOf(owner, id)
    } catch {
      return null
    }
  }
  return {
    addConversation: (owner, conversation) => keep(owner, { ...conversation, head: null }),
    listConversations(owner, limit, after) {
      const before = after === null ? null : (sql.lastSeq.get(owner, after) as { seq: number | null }).seq
      if (after !== null && before === null) return []
      const rows = sql.list.all(owner, before ?? Number.MAX_SAFE_INTEGER, limit) as Row[]
      return rows.flatMap(({ root }) => find(owner, textOf(root), readable(owner, textOf(root))) ?? [])
    },
    findConversation: (owner, id) => find(owner, id, keptOf(owner, id)),
    conversationEnd: (owner, id) => endOf(owner, id, keptOf(owner, id)),
    changeConversation(owner, id, { metadata, added = [] }) {
      const before = endOf(owner, id, keptOf(owner, id))
      if (!before) return null
      keep(owner, { ...before, metadata: metadata ?? before.metadata, added: [...before.added, ...added] })
      return find(owner, id, keptOf(owner, id))
    },
    removeAdded(owner, id, item) {
      const before = keptOf(owner, id)
      const added = before?.body.added.filter((one) => one['id'] !== item) ?? []
      const removed = (before?.body.added.length ?? 0) - added.length
      if (removed > 0) objects.changeObject(owner, keyOf(id), { body: { added } })
      return removed
    },
    goOn({ id, owner, root, parent }, read) {
      const before = endOf(owner, root, keptOf(owner, root))
      if (!before) throw new StoreError('erased', `conversation ${root} was deleted while ${id} was made`)
      if (before.head !== parent) throw new StoreError('busy', `${before.head} came before ${id} in ${root}`)
      keep(owner, { ...before, head: id, added: before.added.filter((item) => !read.includes(item['id'] as string)) })
    },
    goBack(owner, root, { id, parent, depth }) {
      const kept = readable(owner, root)
      if (kept?.label !== id) return
      const row = sql.before.get(root, depth, parent) as { id: Blob } | undefined
      objects.changeObject(owner, keyOf(root), { label: row ? textOf(row.id) : '' })
    },
  }
}

function prepare(database: Database.Database) {
  return {
    list: database.prepare(
      `${LAST_TURN} AND seq < ? AND NOT EXISTS (SELECT 1 FROM response later WHERE later.root = response.root
       AND later.seq > response.seq) ORDER BY seq DESC LIMIT ?`,
    ),
    lastOf: database.prepare(`${LAST_TURN} AND root = ? ORDER BY seq DESC LIMIT 1`),
    lastSeq: database.prepare('SELECT max(seq) AS seq FROM response WHERE owner = ? AND root = ?'),
    counts: database.prepare('SELECT count(*) AS turns, min(created) AS created FROM response WHERE root = ?'),
    // What it continued; where that is gone too, the deepest turn that is left.
    before: database.prepare(
      `SELECT CAST(id AS BLOB) AS id FROM response WHERE root = ? AND depth < ? ORDER BY id = ? DESC, depth DESC, seq DESC LIMIT 1`,
    ),
  }
}
