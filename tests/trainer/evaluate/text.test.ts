import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import { bitsPerByte } from '../../../trainer/evaluate/text.ts'
import { textTable } from '../../../trainer/evaluate/text-tally.ts'
import { textPicture } from '../../../trainer/evaluate/text-picture.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import { fakeDecoder } from '../../support/fake-decoder.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const codec = openText(byteTokenizer())
const file = (content: string): string => {
  const path = join(temporaryFolder(), 'text.txt')
  writeFileSync(path, content)
  return path
}
/** Nats of a token when its logit is 1 and the other 259 are 0, and when it is 0 and another one is 1. */
const [hit, miss] = [Math.log(259 + Math.E) - 1, Math.log(259 + Math.E)]

test('the cost of a text is that of its tokens, and each position has its share', async () => {
  // Predicts the token before the last one: right from the third token of a text that alternates
  const alternates = fakeDecoder(260, (read) => read.at(-2) ?? 0)
  const found = await bitsPerByte(alternates, codec, file('ab'.repeat(50)))
  expect(found).toMatchObject({ bytes: 100, tokens: 99, window: 0 })
  expect(found.bitsPerByte).toBeCloseTo((miss + 98 * hit) / Math.LN2 / 100, 6)
  expect(found.perplexity).toBeCloseTo(Math.exp((miss + 98 * hit) / 99), 4)
  expect(found.positions.map(({ from, to, tokens }) => [from, to, tokens])).toEqual([
    [1, 1, 1],
    [2, 3, 2],
    [4, 7, 4],
    [8, 15, 8],
    [16, 31, 16],
    [32, 63, 32],
    [64, 127, 36],
  ])
  expect(found.positions[0]!.bitsPerByte).toBeCloseTo(miss / Math.LN2, 6)
  expect(found.positions[1]!.bitsPerByte).toBeCloseTo(hit / Math.LN2, 6)
})

test('with a window the state starts anew, and every token but the first is still predicted once', async () => {
  const counts: number[] = []
  const counting = fakeDecoder(260, (read) => {
    counts.push(read.length)
    return 0
  })
  const found = await bitsPerByte(counting, codec, file('x'.repeat(1000)), 300)
  expect(counts).toEqual([300, 300, 300, 99].flatMap((n) => Array.from({ length: n }, (_, i) => i + 1)))
  expect(found).toMatchObject({ tokens: 999, window: 300 })
  expect(found.positions.at(-1)).toMatchObject({ from: 256, to: 300, tokens: 135 })
})

test('bytes of a character of several tokens are counted once', async () => {
  const found = await bitsPerByte(
    fakeDecoder(260, () => 0),
    codec,
    file('aé€😀b'),
  )
  expect(found.bytes).toBe(11)
  expect(found.positions.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(10)
})

test('a text of one token is refused', async () => {
  await expect(
    bitsPerByte(
      fakeDecoder(260, () => 0),
      codec,
      file('a'),
    ),
  ).rejects.toThrow(/at least 2 tokens/)
})

test('the table and the picture show the whole and the positions', async () => {
  const path = file('ab'.repeat(50))
  const found = await bitsPerByte(
    fakeDecoder(260, (read) => read.at(-2) ?? 0),
    codec,
    path,
    64,
  )
  expect(textTable(path, found)).toMatch(
    /bits per byte, perplexity .* \(100 bytes, 99 tokens, state from zero every 64/,
  )
  expect(textTable(path, found)).toContain('| 64 to 64 |')
  expect(textPicture(found)).toMatch(/^<svg[\s\S]*bits per byte[\s\S]*tokens before/)
})
