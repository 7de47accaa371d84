import { expect, test } from 'vitest'
import { FEATURES, probe, projected } from '../../../../trainer/evaluate/telemetry/probe.ts'
import { Random } from '../../../../trainer/random.ts'

const random = new Random(3)
const labels = Array.from({ length: 200 }, (_, i) => i % 4)
const noise = (size: number) => Float32Array.from({ length: size }, () => random.normal())
const directions = labels.slice(0, 4).map(() => noise(64))
/** Noise in which the label's direction is planted. */
const planted = labels.map((label) => noise(64).map((x, i) => x + 1.5 * directions[label]![i]!))

test('a planted linear signal is found, and the control stays at chance', () => {
  const found = probe(planted, labels, new Random(1))
  expect(found.decoded.asked).toBe(40)
  expect(found.decoded.share).toBeGreaterThan(0.95)
  expect(found.control).toBeGreaterThan(0.1)
  expect(found.control).toBeLessThan(0.4)
})

test('in noise nothing is found', () => {
  const found = probe(
    labels.map(() => noise(64)),
    labels,
    new Random(1),
  )
  expect(found.decoded.share).toBeLessThan(0.5)
  expect(found.majority).toBeLessThan(0.5)
})

test('vectors without information give the commonest label', () => {
  const uneven = labels.map((label) => Math.max(0, label - 2))
  const found = probe(
    labels.map(() => new Float32Array(3)),
    uneven,
    new Random(1),
  )
  expect(found.decoded.share).toBe(found.majority)
  expect(found.majority).toBeGreaterThan(0.6)
})

test('a projection keeps what is planted in long vectors; short ones stay as they are', () => {
  const long = labels.map((label) => {
    const x = noise(3 * FEATURES)
    for (let i = 0; i < 256; i++) x[label * 500 + i]! += 2
    return projected(x)
  })
  expect(long[0]).toHaveLength(FEATURES)
  expect(probe(long, labels, new Random(1)).decoded.share).toBeGreaterThan(0.9)
  expect(projected(Float32Array.of(1, 2))).toEqual(Float32Array.of(1, 2))
})
