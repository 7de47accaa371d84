/** Turns and states for stores. */
import { createHash } from 'node:crypto'
import { PAGE_POSITIONS, type SessionState } from '../../server/checkpoint.ts'
import type { TurnRecord } from '../../server/store/store.ts'

export const OWNER = 'somebody'

/** The first turn of a session, of 3 tokens unless `changes` says otherwise. */
export const turnRecord = (id: string, changes: Partial<TurnRecord> = {}): TurnRecord => ({
  id,
  owner: OWNER,
  parent: null,
  root: id,
  depth: 0,
  created: 1,
  model: 'm',
  bundle: 'b',
  document: '{}',
  prompt: [1, 2],
  generated: [3, 4],
  pending: [4],
  position: 3,
  prefillChunk: 64,
  prefillCalls: null,
  calls: null,
  gates: {},
  ...changes,
})

/** A turn that continues `parent` with `tokens` more. */
export const childOf = (parent: TurnRecord, id: string, tokens = 3): TurnRecord =>
  turnRecord(id, {
    parent: parent.id,
    root: parent.root,
    depth: parent.depth + 1,
    owner: parent.owner,
    position: parent.position + tokens,
  })

/** A fixed state of 64 bytes that tells whose it is. */
export const stateOf = (id: string): SessionState => {
  const bytes = Uint8Array.from(Buffer.from(`state of ${id}`.padEnd(64)))
  return { fixed: bytes, pages: [], firstPage: 0 }
}

/** A state with pages, as a function of the path that leads to the turn: `path` names all turns from the first on. */
export function pagedState(path: readonly TurnRecord[], firstPage = 0): SessionState {
  const positions: number[] = []
  for (const turn of path)
    while (positions.length < turn.position) positions.push(hash(`${turn.id}/${positions.length}`))
  const pages: Uint8Array[] = []
  for (let at = firstPage * PAGE_POSITIONS; at < positions.length; at += PAGE_POSITIONS)
    pages.push(new Uint8Array(Int32Array.from(positions.slice(at, at + PAGE_POSITIONS)).buffer))
  return { ...stateOf(path.at(-1)?.id ?? ''), pages, firstPage }
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readInt32LE()
}
