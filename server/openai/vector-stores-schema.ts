/** What the endpoints of vector stores take. */
import { z } from 'zod'
import type { Filter } from '../files/filters.ts'
import { done, fail, loose, needed, refused, strict, type Field } from './field.ts'
import { metadata } from './fields.ts'
import { pageFields } from './files-schema.ts'

const MAX_FILES = 500
const MAX_RESULTS = 50
const MAX_QUERIES = 16
const MAX_QUERY = 16_384
const MAX_DAYS = 365
const MIN_CHUNK = 100
const MAX_CHUNK = 4096

const id = z.string().min(1).max(128)
const name = z.string().max(256)
const value = z.union([z.string().max(512), z.number(), z.boolean()])

const attributes = z
  .record(z.string().min(1).max(64), value)
  .refine((pairs) => Object.keys(pairs).length <= 16, 'expected at most 16 pairs')

const chunking = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('auto') }),
  z.looseObject({
    type: z.literal('static'),
    static: z
      .strictObject({
        max_chunk_size_tokens: z.int().min(MIN_CHUNK).max(MAX_CHUNK),
        chunk_overlap_tokens: z.int().min(0),
      })
      .refine(({ max_chunk_size_tokens: size, chunk_overlap_tokens: overlap }) => overlap * 2 <= size, {
        message: 'expected at most half of max_chunk_size_tokens',
        path: ['chunk_overlap_tokens'],
      }),
  }),
])

export type ChunkingParam = z.output<typeof chunking>

const expiry = z.strictObject({ anchor: z.literal('last_active_at'), days: z.int().min(1).max(MAX_DAYS) })

const comparison = z.strictObject({
  type: z.enum(['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin']),
  key: z.string().min(1).max(64),
  value: z.union([value, z.array(value).max(MAX_FILES)]),
})
const compound: z.ZodType<Filter> = z.lazy(() =>
  z.strictObject({ type: z.enum(['and', 'or']), filters: z.array(oneFilter).min(1).max(64) }),
)
const oneFilter: z.ZodType<Filter> = z.unknown().transform((given, context): Filter => {
  const type = (given as { type?: unknown } | null)?.type
  const result = (type === 'and' || type === 'or' ? compound : comparison).safeParse(given)
  if (result.success) return result.data
  return fail(context, { ...(result.error.issues[0] as z.core.$ZodIssue), input: given } as z.core.$ZodRawIssue)
})

/** A comparison of an attribute, or several joined by `and` or `or`. */
export const filter = oneFilter.meta({ type: 'object' })

const rankers = z.enum(['none', 'auto', 'default-2024-11-15'])
const threshold = z.number().min(0).max(1)
const weights = z
  .looseObject({ embedding_weight: z.number(), text_weight: z.number() })
  .refine(({ embedding_weight: a, text_weight: b }) => a === b, {
    message: 'weights are not supported here: both lists count alike',
    params: { code: 'unsupported_parameter' },
  })

export const rankingOptions = loose({
  ranker: done(rankers, ''),
  score_threshold: done(threshold, ''),
  hybrid_search: done(weights, ''),
})

const FILTERS =
  'Of the attributes of files: a comparison `{"type", "key", "value"}` of type `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `in`, ' +
  '`nin`, or `{"type": "and" | "or", "filters"}`.'
const CHUNKS =
  '`{"type": "auto"}`, or `static` with `max_chunk_size_tokens` (100 to 4,096) and `chunk_overlap_tokens` (at most half). ' +
  'A token counts as four characters. `auto`: 200 and 40.'
const ATTRIBUTES = 'Up to 16 pairs for filters: strings, numbers, booleans.'

export const searchOptions = {
  max_num_results: done(z.int().min(1).max(MAX_RESULTS), `1 to ${MAX_RESULTS}. Default: 10.`),
  filters: done(filter, FILTERS),
  ranking_options: done(
    rankingOptions,
    '`score_threshold` 0 to 1 leaves out what scores lower; a `ranker` has no effect: results are ranked by words and, ' +
      'with an embedder, by meaning. `hybrid_search` weights that differ are refused.',
  ),
}

export const createStoreFields = {
  name: done(name, 'A label.'),
  description: done(name, 'A label.'),
  file_ids: done(z.array(id).max(MAX_FILES), `Files that are put into it at once, at most ${MAX_FILES}.`),
  chunking_strategy: done(chunking, `How these are cut. ${CHUNKS}`),
  expires_after: done(
    expiry,
    '`{"anchor": "last_active_at", "days"}`: so long after its last search or change what is in it is deleted.',
  ),
  metadata: done(metadata, 'Up to 16 pairs, kept with it.'),
}

export const updateStoreFields = {
  name: done(name, 'A label; null: none.'),
  expires_after: { ...createStoreFields.expires_after, about: 'As for a new one; null: it does not expire any more.' },
  metadata: done(metadata, 'Takes the place of all pairs.'),
}

export const searchStoreFields = {
  query: needed(
    z.union([z.string().min(1).max(MAX_QUERY), z.array(z.string().min(1).max(MAX_QUERY)).min(1).max(MAX_QUERIES)]),
    `What is looked for; of a list of up to ${MAX_QUERIES} what any of them finds.`,
  ),
  ...searchOptions,
  rewrite_query: refused('No model rewrites what is looked for.', false),
}

export const attachFileFields = {
  file_id: needed(id, 'An uploaded file. One that is in the vector store already is there once.'),
  attributes: done(attributes, ATTRIBUTES),
  chunking_strategy: done(chunking, CHUNKS),
}

export const updateFileFields = {
  attributes: {
    effect: 'done',
    schema: attributes.nullable(),
    about: 'Takes the place of all pairs; null: none.',
  } satisfies Field,
}

export const createBatchFields = {
  file_ids: done(z.array(id).min(1).max(MAX_FILES), `Files, at most ${MAX_FILES}; or \`files\`.`),
  files: done(
    z.array(strict(attachFileFields)).min(1).max(MAX_FILES),
    'Files with attributes and ways of cutting of their own.',
  ),
  attributes: done(attributes, `Of all \`file_ids\`. ${ATTRIBUTES}`),
  chunking_strategy: done(chunking, `Of all \`file_ids\`. ${CHUNKS}`),
}

const before = {
  effect: 'done',
  schema: z.string().min(1).max(128).optional(),
  about: 'The page before the one of this id.',
} satisfies Field

export const listStoreFields = { ...pageFields(100, 20), before }

export const listStoreFileFields = {
  ...listStoreFields,
  filter: {
    effect: 'done',
    schema: z.enum(['in_progress', 'completed', 'failed', 'cancelled']).optional(),
    about: 'Only files of this status.',
  } satisfies Field,
}

export const createStore = strict(createStoreFields)
export const updateStore = strict(updateStoreFields)
export const searchStore = strict(searchStoreFields)
export const attachFile = strict(attachFileFields)
export const updateFile = strict(updateFileFields)
export const createBatch = strict(createBatchFields).refine(
  ({ file_ids: ids, files }) => (ids == null) !== (files == null),
  {
    message: 'expected either file_ids or files',
  },
)
export const listStores = strict(listStoreFields)
export const listStoreFiles = strict(listStoreFileFields)
