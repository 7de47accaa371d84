/**
 * What a request's field is to this server. The rule: a field that cannot change the reply is accepted, one that would
 * change it is done, or refused by its name. Schemas and the tables of docs/api.md are made from these declarations.
 */
import { z } from 'zod'

/** `done` here; accepted with `no effect` on the reply; `refused` unless it asks for nothing. */
export type Effect = 'done' | 'no effect' | 'refused'

export interface Field<S extends z.ZodType = z.ZodType> {
  readonly effect: Effect
  readonly schema: S
  /** For the documentation: what is done, why it has no effect, or which values are accepted. */
  readonly about: string
}

export type Fields = Readonly<Record<string, Field>>

/** An optional field that is done; null is the default, as OpenAI's clients send it. */
export const done = <S extends z.ZodType>(schema: S, about: string): Field<z.ZodOptional<z.ZodNullable<S>>> => ({
  effect: 'done',
  schema: schema.nullish(),
  about,
})

/** A field that is done and has to be there. */
export const needed = <S extends z.ZodType>(schema: S, about: string): Field<S> => ({ effect: 'done', schema, about })

/** A field that cannot change the reply here, whatever it says. */
export const noEffect = (about: string): Field<z.ZodOptional<z.ZodUnknown>> => ({
  effect: 'no effect',
  schema: z.unknown().optional(),
  about,
})

/** A field that would change the reply and is not supported: only null and the values that ask for nothing pass. */
export function refused(about: string, ...neutral: readonly unknown[]): Field<z.ZodOptional<z.ZodUnknown>> {
  const passes = new Set(neutral.map((value) => JSON.stringify(value)))
  const list = [...passes].join(', ')
  const schema = z.unknown().refine((value) => value == null || passes.has(JSON.stringify(value)), {
    message: 'this parameter is not supported here' + (list === '' ? '' : `, except as ${list}`),
    params: { code: 'unsupported_parameter' },
  })
  const accepted = list === '' ? '' : ` Accepted: ${[...passes].map((value) => `\`${value}\``).join(', ')}.`
  return { effect: 'refused', schema: schema.optional(), about: `${about}${accepted}` }
}

/**
 * The schema of a list of `item`. Reading stops at the first item that is wrong: zod's own arrays describe what is
 * wrong with each of ten thousand.
 */
export function list<S extends z.ZodType>(item: S, least = 0) {
  const { $schema: _, ...items } = z.toJSONSchema(item, { io: 'input', unrepresentable: 'any' })
  return z
    .unknown()
    .transform((value, context): z.output<S>[] => {
      if (!Array.isArray(value)) return fail(context, { code: 'custom', message: 'expected a list', input: value })
      if (value.length < least) {
        return fail(context, { code: 'custom', message: `expected at least ${least}, got none`, input: value })
      }
      const read: z.output<S>[] = []
      for (const [i, one] of value.entries()) {
        const result = item.safeParse(one)
        if (!result.success) return fail(context, within(i, one, result.error))
        read.push(result.data)
      }
      return read
    })
    .meta({ type: 'array', items, minItems: least })
}

/** Reports `issue`. */
export function fail(context: z.core.$RefinementCtx, issue: z.core.$ZodRawIssue): never {
  context.issues.push(issue)
  return z.NEVER
}

/** The first issue of an item, as an issue of the list that it stands in. */
function within(index: number, input: unknown, error: z.ZodError): z.core.$ZodRawIssue {
  const issue = error.issues[0] as z.core.$ZodIssue
  return { ...issue, path: [index, ...issue.path], input } as z.core.$ZodRawIssue
}

type Shape<F extends Fields> = { readonly [K in keyof F]: F[K]['schema'] }

/** The schema of an object that may have exactly these fields. */
export function strict<F extends Fields>(fields: F): z.ZodObject<Shape<F>, z.core.$strict> {
  return z.strictObject(shapeOf(fields))
}

/** The schema of an object that clients decorate with keys of their own: all others are without effect. */
export function loose<F extends Fields>(fields: F): z.ZodObject<Shape<F>, z.core.$loose> {
  return z.looseObject(shapeOf(fields))
}

function shapeOf<F extends Fields>(fields: F): Shape<F> {
  return Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])) as Shape<F>
}
