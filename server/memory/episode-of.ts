/** A turn as an episode: how it is found across conversations. */
import type { NewEpisode } from '../store/episode-calls.ts'
import type { EmbeddedText } from '../store/memory-calls.ts'
import type { MemoryUse } from './evidence.ts'
import { importanceOf } from './importance.ts'
import type { TurnMemories } from './told.ts'

/**
 * Null where nothing was said, or nobody may know whose it was. A turn that is not to be remembered, of a user who is named, is known
 * as theirs alone, so that it goes when they are forgotten. `embedded`: what was said last, as it was searched for.
 */
export function episodeOf(
  { write, namespace, user, pin }: MemoryUse,
  said: readonly string[],
  told: TurnMemories | null,
  embedded: EmbeddedText | null,
  created: number,
): NewEpisode | null {
  if (said.length === 0 || (!write && user === null)) return null
  const text = said.join('\n')
  const facts = told?.written.filter(({ fact }) => fact !== null).length ?? 0
  const importance = importanceOf(text, { facts, corrections: told?.ended.length ?? 0 })
  const made = embedded?.text === text ? embedded.made : null
  return { namespace, user, text: write ? text : null, made, importance, pinned: pin, created }
}
