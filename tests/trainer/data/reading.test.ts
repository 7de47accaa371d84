/** Pairs that a reader learns from. */
import { expect, test } from 'vitest'
import { READER_LABELS } from '../../../runtime/reader.ts'
import { readingDataset } from '../../../trainer/data/reading/dataset.ts'
import { drawPair } from '../../../trainer/data/reading/pairs.ts'
import { changesOf, subjectLines } from '../../../trainer/data/sentences/subjects.ts'
import { tellings } from '../../../trainer/data/sentences/tellings.ts'
import { Random } from '../../../trainer/random.ts'

const bare = (text: string): string => text.replace(/ \(before: .*\)$/su, '')

test.each(['train', 'heldout'] as const)('a pair has the label that its writer gave it (%s)', (part) => {
  const subjects = subjectLines(part)
  const changes = subjects.flatMap((line) =>
    changesOf(line).map((change) => ({ told: line.tells[change.at], ...change })),
  )
  const answered = new Set([
    ...tellings(part).flatMap(({ told, asks }) => asks.map((question) => `${question}\n${told}`)),
    ...changes.map(({ says, q }) => `${q}\n${says}`),
  ])
  const changed = new Set(changes.map(({ told, says }) => `${told}\n${says}`))
  const random = new Random(`pairs ${part}`)
  const counts = new Map<string, number>()
  for (let i = 0; i < 2000; i++) {
    const { first, second, label } = drawPair(random, part)
    counts.set(label, (counts.get(label) ?? 0) + 1)
    const key = `${first}\n${bare(second)}`
    const known = label.startsWith('answers') ? answered : changed
    expect(known.has(key), `${label}: ${key}`).toBe(label === 'answers' || label === 'replaces')
  }
  for (const label of READER_LABELS) expect(counts.get(label)).toBeGreaterThan(200)
})

test('what was told just before stands beside a message at times', () => {
  const random = new Random('before')
  const pairs = Array.from({ length: 500 }, () => drawPair(random, 'train'))
  const later = subjectLines('train').flatMap((line) =>
    [...changesOf(line), ...(line.stays ?? [])].map(({ says, at }) => ({ told: says, before: line.tells[at] })),
  )
  const befores = new Set([...tellings('train'), ...later].map(({ told, before }) => `${told} (before: ${before})`))
  const inContext = pairs.filter(({ second }) => second.endsWith(')') && second.includes(' (before: '))
  expect(inContext.length).toBeGreaterThan(50)
  for (const { second } of inContext) expect(befores).toContain(second)
})

test('a row is framed, cut at its length, and goes on from a position exactly', async () => {
  const codec = { encode: (text: string): number[] => Array.from(text, () => 9) }
  const options = { batch: 8, sequenceLength: 30, codec, seed: 3, part: 'train', start: 2, separator: 3 } as const
  const data = readingDataset(options)
  const { ids } = await data.next()
  for (let row = 0; row < 8; row++) {
    const own = [...ids.subarray(row * 30, row * 30 + 30)].filter((id) => id > 0)
    expect(own[0]).toBe(2)
    expect(own.at(-1)).toBe(3)
    expect(own.filter((id) => id === 3)).toHaveLength(2)
  }
  const position = data.position()
  const expected = await data.next()
  const again = readingDataset(options)
  await again.seek(position)
  expect(await again.next()).toEqual(expected)
})
