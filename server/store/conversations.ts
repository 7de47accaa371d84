/** Lists conversations. Nothing is kept for it: the log of turns is read from its end. */
import type Database from 'libsql'
import type { Conversation, ConversationCalls } from './conversation-calls.ts'
import { textOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

interface Row {
  readonly id: Blob
  readonly root: Blob
  readonly created: number
  readonly model: Blob
  readonly position: number
}

const LAST_TURN = `SELECT CAST(id AS BLOB) AS id, CAST(root AS BLOB) AS root, created, CAST(model AS BLOB) AS model, position
  FROM response WHERE owner = ?`

export function createConversations(database: Database.Database): ConversationCalls {
  const list = database.prepare(
    `${LAST_TURN} AND seq < ? AND NOT EXISTS (SELECT 1 FROM response later WHERE later.root = response.root
     AND later.seq > response.seq) ORDER BY seq DESC LIMIT ?`,
  )
  const lastOf = database.prepare(`${LAST_TURN} AND root = ? ORDER BY seq DESC LIMIT 1`)
  const lastSeq = database.prepare('SELECT max(seq) AS seq FROM response WHERE owner = ? AND root = ?')
  const counts = database.prepare('SELECT count(*) AS turns, min(created) AS created FROM response WHERE root = ?')
  const conversationOf = (row: Row): Conversation => {
    const id = textOf(row.root)
    const last = {
      response: textOf(row.id),
      created: row.created,
      model: textOf(row.model),
      position: row.position,
    }
    return { id, ...(counts.get(id) as { turns: number; created: number }), last }
  }
  return {
    listConversations(owner, limit, after) {
      const before = after === null ? null : (lastSeq.get(owner, after) as { seq: number | null }).seq
      if (after !== null && before === null) return []
      const rows = list.all(owner, before ?? Number.MAX_SAFE_INTEGER, limit) as Row[]
      return rows.map(conversationOf)
    },
    findConversation(owner, id) {
      const row = lastOf.get(owner, id) as Row | undefined
      return row ? conversationOf(row) : null
    },
  }
}
