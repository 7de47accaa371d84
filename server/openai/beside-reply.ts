/** What a turn is read beside: what the reply before it has quoted of its user's memories, which it may correct. */
import { quotedBy } from '../critic/recalled.ts'
import type { Deps } from '../deps.ts'
import { quotedMemory } from '../memory/corrected-answer.ts'
import type { Beside } from '../memory/follow-ups.ts'
import { nullIfAway, type MemoryUse } from '../memory/evidence.ts'
import { readingOnce } from '../memory/reader.ts'

/** `reply`: null: there was none. */
export async function besideReply(
  deps: Deps,
  owner: string,
  use: MemoryUse,
  reply: string | null,
  signal: AbortSignal,
): Promise<Beside> {
  const text = reply === null ? null : quotedBy(reply.trim())
  const quoted = text === null ? null : await quotedMemory(deps.store, owner, use, text).catch(nullIfAway)
  return { quoted, read: readingOnce(deps, owner, signal) }
}
