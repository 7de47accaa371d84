/** What the search of turns takes. */
import { z } from 'zod'
import { done, needed, strict } from './field.ts'

const MAX_TEXT = 16_384
const MAX_RESULTS = 100
const name = z.string().min(1).max(256)

export const episodeFields = {
  query: needed(z.string().min(1).max(MAX_TEXT), 'What is looked for: words or a sentence.'),
  namespace: done(name, 'Turns that used this namespace of memories. Default: `default`.'),
  user_id: done(name, 'Only turns of this user. Default: of all.'),
  limit: done(z.int().min(1).max(MAX_RESULTS), `1 to ${MAX_RESULTS}. Default: 10.`),
}

export const searchEpisodes = strict(episodeFields)
