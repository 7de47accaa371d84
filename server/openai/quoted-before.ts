/** What the reply before a turn has quoted of its user's memories: the turn may correct it. */
import { quotedBy } from '../critic/recalled.ts'
import type { Deps } from '../deps.ts'
import { quotedMemory, type Quoted } from '../memory/corrected-answer.ts'
import { nullIfAway, type MemoryUse } from '../memory/evidence.ts'
import { readingOnce } from '../memory/reader.ts'

/** `reply`: null: there was none. Null: it quotes no memory that holds. */
export async function quotedBefore(
  deps: Deps,
  owner: string,
  use: MemoryUse,
  reply: string | null,
  signal: AbortSignal,
): Promise<Quoted | null> {
  const text = reply === null ? null : quotedBy(reply.trim())
  const memory = text === null ? null : await quotedMemory(deps.store, owner, use, text).catch(nullIfAway)
  return memory && { memory, read: readingOnce(deps, owner, signal) }
}
