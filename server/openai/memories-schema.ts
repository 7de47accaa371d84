/** What the endpoints of memories take. */
import { z } from 'zod'
import { done, loose, needed, noEffect, refused, strict } from './field.ts'
import { metadata } from './fields.ts'

/** Of one memory. */
const MAX_TEXT = 16_384
const MAX_MESSAGES = 128
const MAX_RESULTS = 100

const name = z.string().min(1).max(256)
const memoryText = z.string().min(1).max(MAX_TEXT)
const seconds = z.number().int().min(1).max(253_402_300_799)

const messageFields = {
  role: needed(z.string().max(64), 'Messages of the role `user` are remembered, others are not.'),
  content: needed(z.string().max(MAX_TEXT), 'Text.'),
}

const placed = {
  namespace: done(name, 'Memories of one namespace are searched together. Default: `default`.'),
  user_id: done(name, 'Whom they are about; narrows the namespace.'),
}
const narrowed = { ...placed, user_id: done(name, 'Only memories of this user. Default: of all.') }

const limit = (most: number, about: string) => ({
  effect: 'done' as const,
  schema: z.coerce.number().int().min(1).max(most).nullish(),
  about,
})

export const addFields = {
  text: done(memoryText, `What is to be remembered, up to ${MAX_TEXT} characters; or \`messages\`.`),
  messages: done(
    z.array(loose(messageFields)).min(1).max(MAX_MESSAGES),
    'mem0. Each message of the role `user` becomes a memory, word for word.',
  ),
  ...placed,
  metadata: done(metadata, 'Up to 16 pairs, kept with it.'),
  expires_at: done(seconds, 'Seconds since 1970 from when on it is not found, and deleted. Default: never.'),
  infer: refused('mem0. No model rewrites what is remembered.', false),
}

export const changeFields = {
  text: done(memoryText, 'What it says from now on.'),
  metadata: done(metadata, 'Takes the place of all pairs.'),
  expires_at: {
    effect: 'done' as const,
    schema: seconds.nullable().optional(),
    about: 'As for a new one; null: never.',
  },
}

export const searchFields = {
  query: needed(z.string().min(1).max(MAX_TEXT), 'What is looked for: words or a sentence.'),
  ...narrowed,
  metadata: done(metadata, 'Only memories that have these pairs.'),
  limit: limit(MAX_RESULTS, `1 to ${MAX_RESULTS}. Default: 10.`),
  top_k: limit(MAX_RESULTS, 'mem0: the same as `limit`.'),
  include_ended: done(
    z.boolean(),
    'true: also those that do not hold any more, because something said later took their place.',
  ),
  rerank: noEffect('mem0. Both lists are always merged.'),
}

export const listMemoryFields = {
  namespace: done(name, 'Only this one. Default: all.'),
  user_id: narrowed.user_id,
  limit: limit(MAX_RESULTS, `1 to ${MAX_RESULTS}. Default: 20.`),
  order: done(z.enum(['asc', 'desc']), '`asc` or `desc`, by when they were made. Default: `desc`.'),
  after: done(z.string().max(128), 'Memories after the one of this id.'),
}

/** What goes with a deleted memory. */
export const eraseFields = {
  source: done(
    z.enum(['true', 'false']),
    '`true`: also the responses that it was taken from, with all that was taken from them.',
  ),
  cascade: done(
    z.enum(['true', 'false']),
    '`true`: also memories that say the same, the replies that were made while it was read, and the turns that follow from ' +
      'what is deleted.',
  ),
}

export const deleteFields = {
  namespace: done(name, 'All of this namespace.'),
  user_id: done(name, 'All of this user.'),
  all: {
    effect: 'done' as const,
    schema: z.literal('true').optional(),
    about: '`true`: all there are. Without a namespace or a user it has to be said.',
  },
  ...eraseFields,
}

export const addMemories = strict(addFields).refine(({ text, messages }) => (text == null) !== (messages == null), {
  message: 'expected either text or messages',
})
export const changeMemory = strict(changeFields)
export const searchMemories = strict(searchFields)
export const listMemories = strict(listMemoryFields)
export const deleteMemory = strict(eraseFields)
export const deleteMemories = strict(deleteFields).refine(
  ({ namespace, user_id: user, all }) => namespace != null || user != null || all === 'true',
  { message: 'expected namespace, user_id or all=true: everything would be deleted' },
)
