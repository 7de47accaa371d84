/** The endpoint that finds turns across conversations. */
import type { Deps } from '../deps.ts'
import { DEFAULT_NAMESPACE } from '../memory/memories.ts'
import { findEpisodes } from '../openai/episodes.ts'
import { searchEpisodes } from '../openai/episodes-schema.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf } from './context.ts'
import type { Endpoint } from './endpoint.ts'

const DEFAULT_RESULTS = 10

export function episodeEndpoints(deps: Deps): Endpoint[] {
  return [
    {
      access: 'api',
      whileStopping: false,
      method: 'POST',
      path: '/v1/episodes/search',
      summary: 'Find turns of earlier conversations by what their user wrote',
      body: searchEpisodes,
      answer: bodyAnswer(deps, searchEpisodes, async (c, request, signal) => {
        const { query: text, namespace, user_id: user, limit } = request
        const asked = { text, namespace: namespace ?? DEFAULT_NAMESPACE, user: user ?? null }
        const found = await findEpisodes(deps, ownerOf(c), { ...asked, limit: limit ?? DEFAULT_RESULTS }, signal)
        const data = found.map(({ response, conversation, user: whose, created, words, ...rest }) => ({
          object: 'episode',
          response_id: response,
          conversation,
          user_id: whose,
          created_at: Math.floor(created / 1000),
          word_score: words,
          ...rest,
        }))
        return { object: 'list', data }
      }),
    },
  ]
}
