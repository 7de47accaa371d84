import { expect, test } from 'vitest'
import { openText } from '../../../../runtime/text.ts'
import { episodesOf, mixedTokens, sourceFor } from '../../../../trainer/evaluate/telemetry/episodes.ts'
import { Random } from '../../../../trainer/random.ts'
import { byteTokenizer } from '../../../support/byte-tokenizer.ts'

const codec = openText(byteTokenizer())

test('a history told and its twin have the same length, on the unit, and only the told one ends with the value', () => {
  const source = sourceFor(codec, new Random(1))
  expect(source.kind).toBe('chat')
  expect(new Set(source.values).size).toBe(4)
  const episodes = episodesOf(source, new Random(2), 8, 96, 24)
  expect(episodes.map(({ value }) => value).toSorted((a, b) => a - b)).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
  for (const { value, told, untold } of episodes) {
    expect(told.length % 24).toBe(0)
    expect(untold).toHaveLength(told.length)
    expect(codec.decode(told)).toContain(source.values[value]!)
    expect(codec.decode(untold)).not.toContain(source.values[value]!)
  }
})

test('a model without text is told tokens, which the filler never has', () => {
  const numbers = { ...codec, vocabSize: 16, encode: () => [] }
  const source = sourceFor(numbers, new Random(1))
  expect(source.kind).toBe('tokens')
  const [episode] = episodesOf(source, new Random(2), 1, 8, 1)
  expect(episode!.told.slice(-4)).toEqual(Array.from({ length: 4 }, () => episode!.value))
  for (const id of episode!.untold) expect(id).toBeGreaterThanOrEqual(4)
  const mixed = mixedTokens(source, new Random(3), 200)
  expect(mixed).toHaveLength(200)
  expect(new Set(mixed).size).toBe(16)
})
