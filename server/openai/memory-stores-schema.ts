/** What the endpoints of memory stores take: Anthropic's shapes. */
import { z } from 'zod'
import { done, needed, strict, type Field } from './field.ts'

const MAX_CONTENT = 102_400
const MAX_PATH = 1024
const MAX_SEGMENTS = 20

const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/u

const content = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_CONTENT, `expected at most ${MAX_CONTENT} bytes`)
const path = z
  .string()
  .refine((text) => isPath(text), 'expected a path as /notes/todo.md: 1 to 20 segments, none of them empty, . or ..')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hexadecimal digits')
const name = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => !CONTROL.test(text), 'expected a name without control characters')
const description = z.string().max(1024)
const pairs = (value: z.ZodType<string | null>) =>
  z.record(z.string().min(1).max(64), value).refine((all) => Object.keys(all).length <= 16, 'expected at most 16 pairs')

function isPath(text: string): boolean {
  if (!text.startsWith('/') || Buffer.byteLength(text) > MAX_PATH || CONTROL.test(text)) return false
  const segments = text.slice(1).split('/')
  const isPlain = segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  return isPlain && segments.length <= MAX_SEGMENTS && text === text.normalize('NFC')
}

const optional = <S extends z.ZodType>(schema: S, about: string): Field<z.ZodOptional<S>> => ({
  effect: 'done',
  schema: schema.optional(),
  about,
})
const view = optional(z.enum(['basic', 'full']), '`full`: with the content; a list then has at most 20 items.')
const time = optional(z.iso.datetime({ offset: true }), 'A time in RFC 3339.')
const page = {
  limit: optional(z.coerce.number().int().min(1).max(100), '1 to 100. Default: 20.'),
  page: optional(z.string().min(1).max(2048), '`next_page` of the page before.'),
}

export const createMemoryStoreFields = {
  name: needed(name, '1 to 255 characters.'),
  description: done(description, 'Up to 1,024 characters.'),
  metadata: done(pairs(z.string().max(512)), 'Up to 16 pairs.'),
}
export const updateMemoryStoreFields = {
  name: done(name, 'The new name.'),
  description: done(description, 'The new description.'),
  metadata: done(
    pairs(z.string().max(512).nullable()),
    'Pairs that are added or take the place of others; null removes one.',
  ),
}
export const listMemoryStoreFields = {
  ...page,
  include_archived: optional(z.enum(['true', 'false']), '`true`: archived ones too.'),
  'created_at[gte]': time,
  'created_at[lte]': time,
}
export const createStoreMemoryFields = {
  path: needed(path, 'Where it is: `/notes/todo.md`. No memory may be there, above it or below it.'),
  content: needed(
    content.nullable(),
    `A text of up to ${MAX_CONTENT.toLocaleString('en')} bytes; null is an empty one.`,
  ),
}
export const updateStoreMemoryFields = {
  path: done(path, 'The new path.'),
  content: done(content, 'The new text.'),
  precondition: done(
    z.strictObject({ type: z.literal('content_sha256'), content_sha256: sha256.optional() }),
    '`{"type": "content_sha256", "content_sha256"}`: only where the text has this hash, else 409.',
  ),
}
export const viewFields = { view }
export const listStoreMemoryFields = {
  ...page,
  view,
  path_prefix: optional(
    z
      .string()
      .regex(/^\/(?:.*\/)?$/u, 'expected a prefix that begins and ends with /')
      .max(MAX_PATH),
    'Only memories below it; it ends with `/`.',
  ),
  depth: optional(z.enum(['0', '1']), '`1`: what lies deeper is one `memory_prefix` for each folder. Default: `0`.'),
}
export const deleteStoreMemoryFields = {
  expected_content_sha256: optional(sha256, 'Only where the text has this hash, else 409.'),
}
export const listVersionFields = {
  ...page,
  view,
  memory_id: optional(z.string().min(1).max(128), 'Only of this memory, also of a deleted one.'),
  operation: optional(z.enum(['created', 'modified', 'deleted']), 'Only of this kind.'),
  'created_at[gte]': time,
  'created_at[lte]': time,
}

export const createMemoryStore = strict(createMemoryStoreFields)
export const updateMemoryStore = strict(updateMemoryStoreFields)
export const listMemoryStores = strict(listMemoryStoreFields)
export const createStoreMemory = strict(createStoreMemoryFields)
export const updateStoreMemory = strict(updateStoreMemoryFields)
export const listStoreMemories = strict(listStoreMemoryFields)
export const deleteStoreMemory = strict(deleteStoreMemoryFields)
export const listVersions = strict(listVersionFields)
export const viewQuery = strict(viewFields)
