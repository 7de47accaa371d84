/** A turn as an episode: how it is found across conversations. */
import type { NewEpisode } from '../store/episode-calls.ts'
import type { MemoryUse } from './evidence.ts'
import { importanceOf } from './importance.ts'
import type { TurnMemories } from './told.ts'

/**
 * Null where nothing was said, or nobody may know whose it was. A turn that is not to be remembered, of a user who is named, is known
 * as theirs alone, so that it goes when they are forgotten.
 */
export function episodeOf(
  { write, namespace, user, pin }: MemoryUse,
  said: readonly string[],
  told: TurnMemories | null,
  created: number,
): NewEpisode | null {
  if (said.length === 0 || (!write && user === null)) return null
  const text = said.join('\n')
  const facts = told?.written.filter(({ fact }) => fact !== null).length ?? 0
  const importance = importanceOf(text, { facts, corrections: told?.ended.length ?? 0 })
  return { namespace, user, text: write ? text : null, importance, pinned: pin, created }
}
