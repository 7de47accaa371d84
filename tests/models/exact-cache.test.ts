import { beforeAll, expect, test } from 'vitest'
import { withComposites } from '../../models/composites.ts'
import { cacheState, exactCache } from '../../models/layers/exact-cache.ts'
import { Random } from '../../trainer/random.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../trainer/backends/tensorflow/ops.ts'
import { expectClose } from '../support/all-close.ts'

const config = { width: 6, heads: 1, keys: 4, values: 3, slots: 5, halfLife: 0 }
let tf: TensorFlow
beforeAll(async () => void ({ tf } = await loadTensorFlow('cpu')))

const random = new Random('cache')
const normals = (count: number) => Array.from({ length: count }, () => random.normal())
const unit = (row: number[]) => row.map((x) => x / Math.hypot(...row))
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

/** The first forty are what most tests read. */
const many = Array.from({ length: 400 }, (_, i) => ({
  q: unit(normals(4)),
  k: unit(normals(4)),
  v: normals(3),
  // Some as surprising as others, some not at all
  surprise: i % 7 === 0 ? 0 : Math.ceil(10 * random.uniform()) / 10,
}))

const tokens = many.slice(0, 40)

/** What it means: slots kept in a list, the read of each token written out. */
function plain(slots: number, aging: number, tokens: typeof many) {
  let kept: { k: number[]; v: number[]; surprise: number; at: number }[] = []
  return tokens.map(({ q, k, v, surprise }, at) => {
    kept = kept.map((slot) => ({ ...slot, surprise: slot.surprise * aging }))
    if (surprise > 0) kept.push({ k, v, surprise, at })
    kept.sort((a, b) => b.surprise - a.surprise || a.at - b.at)
    kept = kept.slice(0, slots)
    const weights = kept.map((slot) => Math.exp(8 * dot(q, slot.k)))
    const sum = weights.reduce((a, b) => a + b, 1)
    return { read: v.map((_, d) => kept.reduce((y, slot, i) => y + (weights[i]! / sum) * slot.v[d]!, 0)), kept }
  })
}

const openGate = () => ({ sharpness: tf.tensor3d([[[8]]]), gate: tf.zeros([6, 1]), gateBias: tf.tensor1d([50]) })

function run(lengths: readonly number[], halfLife: number, tokens: typeof many) {
  const op = withComposites<Tensor>(eager(tf))
  const c = { ...config, halfLife }
  const p = openGate()
  let state = Object.fromEntries(
    Object.entries(cacheState(c)).map(([name, { shape }]) => [name, tf.zeros([1, ...shape.slice(1).map(Number)])]),
  ) as { k: Tensor; v: Tensor; surprise: Tensor }
  const read: number[] = []
  let at = 0
  for (const length of lengths) {
    const piece = tokens.slice(at, at + length)
    at += length
    const of = (rows: number[][]) => tf.tensor4d([rows.map((row) => [row])])
    const done = exactCache(
      op,
      c,
      p,
      tf.zeros([1, length, 6]),
      {
        q: of(piece.map(({ q }) => q)),
        k: of(piece.map(({ k }) => k)),
        v: of(piece.map(({ v }) => v)),
        surprise: of(piece.map(({ surprise }) => [surprise])),
      },
      state,
    )
    read.push(...done.y.dataSync())
    state = done.state
  }
  return { read, surprise: [...state.surprise.dataSync()], v: [...state.v.dataSync()] }
}

test.each([[[40]], [[7, 1, 20, 12]], [Array.from({ length: 40 }, () => 1)]])(
  'each token reads the most surprising tokens up to it, in pieces of %j',
  (lengths) => {
    for (const halfLife of [0, 2 * Math.PI]) {
      const expected = plain(config.slots, halfLife === 0 ? 1 : 0.5 ** (1 / halfLife), tokens)
      const got = run(lengths, halfLife, tokens)
      const close = { absolute: 1e-5, relative: 1e-4 }
      expectClose(
        got.read,
        expected.flatMap(({ read }) => read),
        { ...close, what: `reads, half-life ${halfLife}` },
      )
      const { kept } = expected.at(-1)!
      expectClose(
        got.surprise,
        kept.map(({ surprise }) => surprise),
        { ...close, what: 'surprises, largest first' },
      )
      expectClose(
        got.v,
        kept.flatMap(({ v }) => v),
        { ...close, what: 'values' },
      )
    }
  },
)

test('a surprise that has lost more than float32 can hold is forgotten, and nothing overflows', () => {
  const halfLife = Math.E //   147 half-lives: newer tokens would have to count 2^147 times as much as the first
  const expected = plain(config.slots, 0.5 ** (1 / halfLife), many)
  for (const lengths of [[400], [150, 250]]) {
    const got = run(lengths, halfLife, many)
    expectClose(
      got.read,
      expected.flatMap(({ read }) => read),
      { absolute: 1e-5, relative: 1e-4, what: `reads in ${lengths.join()}` },
    )
    expect(got.surprise.every((x) => Number.isFinite(x))).toBe(true)
  }
})

test('a token that finds nothing reads zero', () => {
  const op = withComposites<Tensor>(eager(tf))
  const p = openGate()
  const empty = { k: tf.zeros([1, 1, 5, 4]), v: tf.zeros([1, 1, 5, 3]), surprise: tf.zeros([1, 1, 5, 1]) }
  const now = {
    q: tf.ones([1, 2, 1, 4]),
    k: tf.ones([1, 2, 1, 4]),
    v: tf.ones([1, 2, 1, 3]),
    surprise: tf.zeros([1, 2, 1, 1]),
  }
  expect([...exactCache(op, config, p, tf.zeros([1, 2, 6]), now, empty).y.dataSync()]).toEqual([0, 0, 0, 0, 0, 0])
})
