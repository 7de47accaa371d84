import { Ajv } from 'ajv'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { schemaProblem } from '../../../server/openai/json-schema.ts'
import type { Json } from '../../../runtime/text.ts'

const ajv = new Ajv({ strict: false, allErrors: false, validateFormats: false })
const keys = fc.constantFrom('a', 'b', 'c')
const leaf = fc.oneof(fc.constantFrom<Json>('x', 'xyz', '', true, null, 0, 1, 2.5, -3))

const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { noNullPrototype: true }),
  ),
}))

const { schema } = fc.letrec<{ schema: Json }>((tie) => {
  const some = <T extends Json>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
  const inner = tie('schema')
  return {
    schema: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom<Json>(true, {}),
      fc
        .record({
          type: some(
            fc.constantFrom<Json>('object', 'array', 'string', 'integer', 'number', 'boolean', ['string', 'null']),
          ),
          enum: fc.option(fc.uniqueArray(leaf, { minLength: 1 }) as fc.Arbitrary<Json>, { nil: undefined, freq: 8 }),
          minimum: some(fc.constantFrom(0, 1)),
          maxLength: some(fc.constant(2)),
          minItems: some(fc.constant(1)),
          required: some(fc.uniqueArray(keys, { maxLength: 2 }) as fc.Arbitrary<Json>),
          properties: some(fc.dictionary(keys, inner, { noNullPrototype: true }) as fc.Arbitrary<Json>),
          additionalProperties: some(fc.oneof(fc.constant<Json>(false), inner)),
          items: some(inner),
          anyOf: some(fc.array(inner, { minLength: 1, maxLength: 2 }) as fc.Arbitrary<Json>),
          oneOf: fc.option(fc.array(inner, { minLength: 1, maxLength: 2 }) as fc.Arbitrary<Json>, {
            nil: undefined,
            freq: 6,
          }),
          not: fc.option(inner, { nil: undefined, freq: 8 }),
        })
        .map((fields) => JSON.parse(JSON.stringify(fields)) as Json),
    ),
  }
})

test('a value fits a schema where a reference says so', () => {
  fc.assert(
    fc.property(schema, value, (one, given) => {
      const fits = ajv.validate(one as object, given)
      expect(schemaProblem(given, one), JSON.stringify([one, given])).toEqual(fits ? null : expect.any(String))
    }),
    { numRuns: 500 },
  )
})

test('references within the schema are followed, also to itself', () => {
  const tree: Json = {
    $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' }, n: { type: 'integer' } } } },
    $ref: '#/$defs/node',
  }
  expect(schemaProblem({ n: 1, next: { next: { n: 2 } } }, tree)).toBeNull()
  expect(schemaProblem({ next: { next: { n: 'x' } } }, tree)).toBe("'next.next.n': expected integer, got string")
})

test('a schema that refers to itself without end, or branches without end, ends', () => {
  expect(schemaProblem(1, { $ref: '#' })).toMatch(/expected at most 64 levels/)
  const both: Json = { $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }
  expect(schemaProblem(1, both)).toMatch(/expected/)
  const either: Json = { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }
  expect(schemaProblem(1, either)).toMatch(/expected/)
})
