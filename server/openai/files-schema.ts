/** What the endpoints of files take. */
import { z } from 'zod'
import { done, needed, strict, type Field } from './field.ts'

const MAX_LIST = 10_000
const MAX_NAME = 512
const DAY = 86_400

/** Purposes for which a file is read here; the others are of services that do not exist here. */
export const PURPOSES = ['assistants', 'user_data'] as const

const file = z
  .custom<File>((value) => value instanceof File, 'expected a file, as a part with a file name')
  .refine(({ name }) => name.length <= MAX_NAME, `expected a file name of at most ${MAX_NAME} characters`)
  .meta({ type: 'string', format: 'binary' })

export const uploadFields = {
  file: needed(
    file,
    'A text: plain, Markdown, JSON, CSV, HTML, source code, in UTF-8 or UTF-16, of at most 32 MiB with its form, or ' +
      '`--max-body` if that is more. A PDF, an archive or an image is refused by its name.',
  ),
  purpose: needed(z.enum(PURPOSES), '`assistants` or `user_data`.'),
  'expires_after[anchor]': done(z.literal('created_at'), '`created_at`.'),
  'expires_after[seconds]': done(
    z.coerce
      .number()
      .int()
      .min(3600)
      .max(30 * DAY),
    '3,600 to 2,592,000: so long after the upload it is deleted, also from vector stores.',
  ),
}

/** What lists of objects have in common. */
export const pageFields = (most: number, usual: number) =>
  ({
    limit: { effect: 'done', schema: z.coerce.number().int().min(1).max(most).optional(), about: limitOf(most, usual) },
    order: {
      effect: 'done',
      schema: z.enum(['asc', 'desc']).optional(),
      about: '`asc` or `desc`, by when they were made. Default: `desc`.',
    },
    after: {
      effect: 'done',
      schema: z.string().min(1).max(128).optional(),
      about: 'Those that follow the one of this id.',
    },
  }) as const

const limitOf = (most: number, usual: number): string =>
  `1 to ${most.toLocaleString('en')}. Default: ${usual.toLocaleString('en')}.`

export const listFileFields = {
  ...pageFields(MAX_LIST, MAX_LIST),
  purpose: {
    effect: 'done',
    schema: z.string().max(64).optional(),
    about: 'Only files of this purpose.',
  } satisfies Field,
}

export const uploadFile = strict(uploadFields).refine(
  (form) => (form['expires_after[anchor]'] == null) === (form['expires_after[seconds]'] == null),
  { message: 'expected anchor and seconds together', path: ['expires_after[seconds]'] },
)
export const listFiles = strict(listFileFields)
