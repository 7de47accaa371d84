/** The special tokens around a whole text, as the post-processor of tokenizer.json says. */
import { z } from 'zod'
import { TextError } from './errors.ts'

/** A text as an encoder reads it. */
export interface EncodedText {
  readonly ids: readonly number[]
  /** For each token, which text of a pair it belongs to. */
  readonly types: readonly number[]
}

export interface PostProcessor {
  /** Tokens that are added to a text. */
  readonly added: number
  /** The ids of a text with the special tokens around them. */
  wrap(ids: readonly number[]): EncodedText
}

const pair = z.tuple([z.string(), z.int().nonnegative()])
const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string(), type_id: z.int() }) }),
  z.object({ Sequence: z.object({ id: z.string(), type_id: z.int() }) }),
])
const template = z.looseObject({
  single: z.array(piece),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int().nonnegative()) })),
})
const bert = z.looseObject({ cls: pair, sep: pair })
const several = z.looseObject({ processors: z.array(z.looseObject({ type: z.string() })) })

/** A stretch of special tokens (their ids), or the text itself (null). */
type Stretch = { readonly ids: readonly number[] | null; readonly type: number }

const TEXT: Stretch = { ids: null, type: 0 }

/** Throws TextError for a post-processor that is not known. */
export function createPostProcessor(processor: unknown): PostProcessor {
  const stretches = stretchesOf(processor) ?? [TEXT]
  const texts = stretches.filter(({ ids }) => ids === null).length
  if (texts !== 1) throw new TextError(`tokenizer.json: post_processor: expected the text once, got it ${texts} times`)
  return {
    added: stretches.reduce((sum, { ids }) => sum + (ids?.length ?? 0), 0),
    wrap(text) {
      const parts = stretches.map(({ ids, type }) => ({ ids: ids ?? text, type }))
      return {
        ids: parts.flatMap(({ ids }) => ids),
        types: parts.flatMap(({ ids, type }) => ids.map(() => type)),
      }
    },
  }
}

/** Undefined: adds no tokens. */
function stretchesOf(processor: unknown): readonly Stretch[] | undefined {
  if (processor === null || processor === undefined) return undefined
  const { type } = processor as { type?: unknown }
  if (type === 'ByteLevel') return undefined
  if (type === 'BertProcessing' || type === 'RobertaProcessing') {
    const { cls, sep } = parse(bert, processor)
    return [{ ids: [cls[1]], type: 0 }, TEXT, { ids: [sep[1]], type: 0 }]
  }
  if (type === 'TemplateProcessing') return templateStretches(parse(template, processor))
  if (type !== 'Sequence')
    throw new TextError(
      `tokenizer.json: post_processor: expected TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or ` +
        `a Sequence of them, got ${JSON.stringify(type)}`,
    )
  const found = parse(several, processor).processors.flatMap((one) => {
    const stretches = stretchesOf(one)
    return stretches ? [stretches] : []
  })
  if (found.length > 1)
    throw new TextError(`tokenizer.json: post_processor: expected one that adds tokens, got ${found.length}`)
  return found[0]
}

const templateStretches = ({ single, special_tokens: special }: z.infer<typeof template>): Stretch[] =>
  single.map((one) => {
    if ('Sequence' in one) return { ids: null, type: one.Sequence.type_id }
    const { id, type_id: type } = one.SpecialToken
    const token = special[id]
    if (!token) throw new TextError(`tokenizer.json: post_processor: expected ${id} among special_tokens, got none`)
    return { ids: token.ids, type }
  })

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new TextError(
    `tokenizer.json: post_processor.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`,
  )
}
