import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonList, jsonPieces, jsonText } from '../../../server/openai/json-text.ts'

test('the text is what JSON.stringify gives', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(jsonText(value)).toBe(JSON.stringify(value))
    }),
  )
  const odd = { a: undefined, b: [undefined, null, -0, 'ü😀"\u2028'], c: {}, d: [] }
  expect(jsonText(odd)).toBe(JSON.stringify(odd))
})

test('a list that was written as it came is an array like any other', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (items) => {
      const list = new JsonList()
      for (const item of items) expect(list.push(item)).toBe(JSON.stringify(item).length)
      const value = { before: 1, list, nested: [{ list }] }
      const plain = JSON.stringify({ before: 1, list: items, nested: [{ list: items }] })
      expect(jsonText(value)).toBe(plain)
      expect(JSON.stringify(value)).toBe(plain)
    }),
  )
})

test('a long list comes in pieces, none of which is the whole', () => {
  const list = new JsonList()
  for (let i = 0; i < 1000; i++) list.push({ token: 'x'.repeat(50), i })
  const pieces = [...jsonPieces({ list })]
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100)
})
