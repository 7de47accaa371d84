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
  /** Tokens that are added to a pair of texts; throws TextError where `wrapPair` does. */
  readonly addedToPair: number
  /** The ids of two texts as one. Throws TextError where the tokenizer does not say how. */
  wrapPair(first: readonly number[], second: readonly number[]): EncodedText
}

const pair = z.tuple([z.string(), z.int().nonnegative()])
const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string(), type_id: z.int() }) }),
  z.object({ Sequence: z.object({ id: z.string(), type_id: z.int() }) }),
])
const template = z.looseObject({
  single: z.array(piece),
  pair: z.array(piece).optional(),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int().nonnegative()) })),
})
const bert = z.looseObject({ cls: pair, sep: pair })
const several = z.looseObject({ processors: z.array(z.looseObject({ type: z.string() })) })

/** A stretch of special tokens (their ids), or a text: the first, or the second of a pair. */
type Stretch = { readonly ids: readonly number[] | 'first' | 'second'; readonly type: number }
type Stretches = { readonly single: readonly Stretch[]; readonly pair: readonly Stretch[] | undefined }

const TEXT: Stretch = { ids: 'first', type: 0 }

/** Throws TextError for a post-processor that is not known. */
export function createPostProcessor(processor: unknown): PostProcessor {
  const { single, pair } = stretchesOf(processor) ?? { single: [TEXT], pair: undefined }
  const texts = single.filter(({ ids }) => typeof ids === 'string').length
  if (texts !== 1) throw new TextError(`tokenizer.json: post_processor: expected the text once, got it ${texts} times`)
  const ofPair = (): readonly Stretch[] => {
    const found = (pair ?? []).flatMap(({ ids }) => (typeof ids === 'string' ? [ids] : []))
    if (pair && found.toSorted().join(', ') === 'first, second') return pair
    const got = pair ? found.join(', ') || 'neither' : 'none'
    throw new TextError(`tokenizer.json: post_processor: expected a pair of the first and second text, got ${got}`)
  }
  return {
    added: addedBy(single),
    wrap: (text) => filled(single, { first: text, second: [] }),
    get addedToPair() {
      return addedBy(ofPair())
    },
    wrapPair: (first, second) => filled(ofPair(), { first, second }),
  }
}

const addedBy = (stretches: readonly Stretch[]): number =>
  stretches.reduce((sum, { ids }) => sum + (typeof ids === 'string' ? 0 : ids.length), 0)

function filled(
  stretches: readonly Stretch[],
  texts: Readonly<Record<'first' | 'second', readonly number[]>>,
): EncodedText {
  const parts = stretches.map(({ ids, type }) => ({ ids: typeof ids === 'string' ? texts[ids] : ids, type }))
  return {
    ids: parts.flatMap(({ ids }) => ids),
    types: parts.flatMap(({ ids, type }) => ids.map(() => type)),
  }
}

/** Undefined: adds no tokens. */
function stretchesOf(processor: unknown): Stretches | undefined {
  if (processor === null || processor === undefined) return undefined
  const { type } = processor as { type?: unknown }
  if (type === 'ByteLevel') return undefined
  if (type === 'BertProcessing' || type === 'RobertaProcessing') return fixedStretches(type, parse(bert, processor))
  if (type === 'TemplateProcessing') {
    const { single, pair, special_tokens: special } = parse(template, processor)
    return { single: templateStretches(single, special), pair: pair && templateStretches(pair, special) }
  }
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

/** BERT tells the texts of a pair apart, RoBERTa puts two separators between them. */
function fixedStretches(kind: 'BertProcessing' | 'RobertaProcessing', { cls, sep }: z.infer<typeof bert>): Stretches {
  const [start, end] = [cls[1], sep[1]]
  const single: Stretch[] = [{ ids: [start], type: 0 }, TEXT, { ids: [end], type: 0 }]
  const second = kind === 'BertProcessing' ? 1 : 0
  const between: Stretch[] = kind === 'BertProcessing' ? [] : [{ ids: [end], type: 0 }]
  return { single, pair: [...single, ...between, { ids: 'second', type: second }, { ids: [end], type: second }] }
}

const templateStretches = (
  pieces: readonly z.infer<typeof piece>[],
  special: z.infer<typeof template>['special_tokens'],
): Stretch[] =>
  pieces.map((one) => {
    if ('Sequence' in one) return { ids: one.Sequence.id === 'B' ? 'second' : 'first', type: one.Sequence.type_id }
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
