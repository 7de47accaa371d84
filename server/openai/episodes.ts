/** Turns as they are found across conversations, with the text that is in them. */
import type { Deps } from '../deps.ts'
import { makeVector } from '../memory/memories.ts'
import type { EpisodeHit, EpisodeQuery } from '../store/episode-calls.ts'
import { userTexts } from './response-input.ts'

export interface FoundEpisode extends EpisodeHit {
  /** The name of its conversation. */
  readonly conversation: string
  readonly text: string
}

/** Best first. */
export async function findEpisodes(
  deps: Deps,
  owner: string,
  asked: Omit<EpisodeQuery, 'made'>,
  signal: AbortSignal,
): Promise<FoundEpisode[]> {
  return searchEpisodes(deps, owner, { ...asked, made: await makeVector(deps, owner, asked.text, signal) })
}

/** The same where the vector is made already. */
export async function searchEpisodes(deps: Deps, owner: string, asked: EpisodeQuery): Promise<FoundEpisode[]> {
  const hits = await deps.store.searchEpisodes(owner, asked)
  const found = await Promise.all(hits.map(async (hit) => ({ hit, turn: await deps.store.find(owner, hit.response) })))
  return found.flatMap(({ hit, turn }) =>
    turn ? [{ ...hit, conversation: turn.record.root, text: userTexts(turn.record.document).join('\n') }] : [],
  )
}

/** Gives a vector to all turns that have none of the embedder: they were stored without it, or with another one. */
export async function embedPendingTurns(deps: Deps, signal: AbortSignal): Promise<void> {
  const [embedder] = deps.embedders
  if (!embedder) return
  const failed = new Set<string>()
  for (;;) {
    const all = await deps.store.unembeddedEpisodes(embedder.bundle, 64 + failed.size)
    const pending = all.filter(({ response }) => !failed.has(response))
    if (pending.length === 0 || signal.aborted) return
    for (const { owner, response } of pending) {
      const turn = await deps.store.find(owner, response)
      const text = turn ? userTexts(turn.record.document).join('\n') : ''
      const made = text === '' ? null : await makeVector(deps, owner, text, signal)
      if (!made || !(await deps.store.embedEpisode(owner, response, made))) failed.add(response)
    }
  }
}
