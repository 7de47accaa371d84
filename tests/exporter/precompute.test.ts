import { expect, test } from 'vitest'
import { decoderGraph } from '../../exporter/decoder.ts'
import { ExportError } from '../../exporter/weights.ts'
import { precomputeWeights } from '../../exporter/precompute.ts'
import { packRows } from '../../exporter/quantise.ts'
import type { Model } from '../../models/architecture.ts'
import { withComposites } from '../../models/composites.ts'
import { createModel } from '../../models/registry.ts'
import { openDecoder } from '../../runtime/decoder.ts'
import { loadTensorFlow, type Tensor } from '../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../trainer/backends/tensorflow/ops.ts'
import { expectClose, expectSameBits } from '../support/all-close.ts'
import { randomIds, randomWeights } from '../support/decoders.ts'

const common = { vocab: 23, width: 16, heads: 2, hidden: 24, layers: 2, window: 6 }
const banks = { rows: 256, memoryHeads: 2, memoryStd: 0.5, zeroOutput: false }
const moc = (more: Record<string, unknown> = {}): Model => createModel('moc', { ...common, ...banks, ...more })
const ids = randomIds(23, 12, 1)

async function logits(bytes: Uint8Array, state: Parameters<typeof openDecoder>[1]): Promise<Float32Array> {
  const decoder = await openDecoder(bytes, state)
  const found = await decoder.run([ids], decoder.start(1))
  decoder.close()
  return found.logits.data as Float32Array
}

const holds = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text)

test.each([
  ['a shared bank', moc(), 'banks.0.rows'],
  ['a factorized bank', moc({ bank: 'factorized', rank: 4 }), 'banks.0.basis'],
  ['an int4 bank', moc({ quantize: 'int4' }), 'banks.0.rows'],
  [
    'an adapter with a bank and low-rank additions',
    createModel('adapter', {
      vocab: 23,
      ...banks,
      base: 'rsm',
      baseConfig: { width: 16, heads: 2, layers: 2, chunk: 5 },
      adapters: 'both',
      loraRank: 2,
    }),
    'lora.blocks.0.qkv.down',
  ],
])(
  'keys and values of %s, and merged matrices, are written as they are; what they came from is not',
  async (_, model, source) => {
    const weights = randomWeights(model)
    const compact = decoderGraph(model, weights, 'fused')
    const precomputed = await precomputeWeights(model, weights)
    const ready = decoderGraph(model, weights, 'fused', precomputed)
    expectClose(await logits(ready.bytes, ready.state), await logits(compact.bytes, compact.state), { absolute: 1e-5 })
    expect(holds(compact.bytes, source)).toBe(true)
    expect(holds(ready.bytes, source)).toBe(false)
    expect([...precomputed.keys()].length).toBeGreaterThan(1)
  },
)

test('a model without anything to prepare has nothing precomputed', async () => {
  const model = createModel('vanilla', common)
  expect((await precomputeWeights(model, randomWeights(model))).size).toBe(0)
})

test('what only training needs is not in the file', () => {
  const losses = moc({ chapters: 4, topChapters: 2, zLoss: 1, loadBalance: 0 })
  const weights = randomWeights(losses)
  // The z loss alone takes logarithms
  expect(holds(decoderGraph(losses, weights, 'fused').bytes, 'Log_')).toBe(false)
})

test('rows in 8 bits need about a quarter of the bytes, in 4 bits an eighth', () => {
  const size = (quantize: string): number => {
    const model = moc({ quantize, rows: 2048 })
    return decoderGraph(model, randomWeights(model), 'fused').bytes.length
  }
  const table = 2048 * 16 * 4
  const [none, eight, four] = ['none', 'int8', 'int4'].map(size) as [number, number, number]
  expect(none - eight).toBeGreaterThan(0.6 * table)
  expect(eight - four).toBeGreaterThan(0.1 * table)
})

test.each([8, 4] as const)('rows packed in %i bits are the numbers of training, bit for bit', async (bits) => {
  const { tf } = await loadTensorFlow('cpu')
  const rows = [
    [0.1, -0.7, 0.35, 0],
    [0, 0, 0, 0],
    [3, -1.5, 0.5, 1e-9],
    [1e-12, 0, -2e-12, 1e-12],
  ]
  const expected = withComposites<Tensor>(eager(tf)).quantised(tf.tensor2d(rows), bits).dataSync() as Float32Array
  const { numbers, steps } = packRows(Float32Array.from(rows.flat()), 4, bits)
  const whole = bits === 8 ? numbers : Array.from(numbers).flatMap((byte) => [(byte & 15) - 8, (byte >> 4) - 8])
  const got = Float32Array.from(whole as ArrayLike<number>, (n, i) => n * steps[Math.floor(i / 4)]!)
  expectSameBits(
    got,
    expected.map((x) => x + 0),
    'rows',
  )
  expect(bits === 8 ? numbers.length : 2 * numbers.length).toBe(16)
})

test('a model that routes by the whole row is refused in one sentence', () => {
  const model = moc({ chapters: 4, topChapters: 2, routing: 'sequence' })
  expect(() => decoderGraph(model, randomWeights(model), 'fused')).toThrow(
    new ExportError(
      'moc: routing: sequence chooses chapters by the whole row, also by what comes after a token, which nobody can serve',
    ),
  )
})
