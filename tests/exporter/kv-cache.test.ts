import { expect, describe, test } from 'vitest'
import { kvCaches, type KvDtype } from '../../exporter/kv-cache.ts'
import { decoderOps } from '../../exporter/kernels.ts'
import { GraphBuilder, type Port } from '../../exporter/onnx/graph.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { expectClose, expectSameBits } from '../support/all-close.ts'

const [HEADS, KV_HEADS, CHANNELS, CAPACITY, TIME] = [4, 2, 16, 64, 40]
const [Q, KV] = [HEADS * CHANNELS, KV_HEADS * CHANNELS]

/** What is fed: numbers between -2 and 2. */
const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 2 * Math.sin(seed * 77 + i * 1.7 + Math.cos(i * i)))
const queries = numbers(TIME * Q, 1)
const [keys, values] = [numbers(TIME * KV, 2), numbers(TIME * KV, 3)]

/** Steps that differ between keys and values, and from channel to channel; the last of each head is too small for what is fed. */
const scales = (kind: 'k' | 'v'): Float32Array =>
  Float32Array.from({ length: KV }, (_, i) =>
    i % CHANNELS === CHANNELS - 1 ? 0.01 : ((kind === 'k' ? 2 : 3) + (i % 7) / 4 + Math.floor(i / CHANNELS)) / 127,
  )

const OPTIONS = { plain: {}, window: { window: 8 }, softcap: { softcap: 3 } } as const
type Extra = (typeof OPTIONS)[keyof typeof OPTIONS] & { readonly sinks?: boolean }

/** One layer of attention, fed in pieces. */
async function attend(dtype: KvDtype, lengths: readonly number[], [k, v]: readonly Float32Array[], extra: Extra = {}) {
  const graph = new GraphBuilder()
  const cache = ['batch', KV_HEADS, 'capacity', CHANNELS]
  const named = { k: { name: 'state.k' }, v: { name: 'state.v' } }
  const kv = kvCaches(
    dtype,
    new Map([
      ['state.k', scales('k')],
      ['state.v', scales('v')],
    ]),
  )
  const { sinks, ...others } = extra
  const done = decoderOps({ at: graph }, 'fused', null, kv).cachedAttention({
    q: { name: 'q' },
    k: { name: 'k' },
    v: { name: 'v' },
    past: named,
    filled: { name: 'unused' },
    heads: HEADS,
    kvHeads: KV_HEADS,
    channels: CHANNELS,
    scale: 0.3,
    ...others,
    ...(sinks ? { sinks: graph.initializer('sinks', 'float32', [HEADS], Float32Array.of(0.5, -1, 2, 0)) } : {}),
  })
  graph.output(done.y, 'y')
  graph.output(done.k, 'next.k')
  graph.output(done.v, 'next.v')
  const flat = (name: string, width: number): Port => ({ name, dtype: 'float32', shape: ['batch', 'time', width] })
  const inputs: Port[] = [
    flat('q', Q),
    flat('k', KV),
    flat('v', KV),
    { name: 'positions', dtype: 'int32', shape: ['batch'] },
    ...['state.k', 'state.v'].map((name): Port => ({ name, dtype, shape: cache })),
  ]
  const outputs = [flat('y', Q), ...['next.k', 'next.v'].map((name): Port => ({ name, dtype, shape: cache }))]
  const session = await openGraph(graph.model('attention', inputs, outputs), { threads: 1 })
  const caches = ['k', 'v'].map((): Tensor => createTensor(dtype, [1, KV_HEADS, CAPACITY, CHANNELS]))
  const y = new Float32Array(TIME * Q)
  let at = 0
  for (const length of lengths) {
    const piece = (all: Float32Array, width: number): Tensor =>
      createTensor('float32', [1, length, width], all.slice(at * width, (at + length) * width))
    const out = createTensor('float32', [1, length, Q])
    const given = {
      q: piece(queries, Q),
      k: piece(k!, KV),
      v: piece(v!, KV),
      positions: createTensor('int32', [1], [at]),
    }
    const [pastKeys, pastValues] = caches as [Tensor, Tensor]
    const binding = session.bind(
      { ...given, 'state.k': pastKeys, 'state.v': pastValues },
      { y: out, 'next.k': pastKeys, 'next.v': pastValues },
    )
    await binding.run()
    binding.release()
    y.set(out.data, at * Q)
    at += length
  }
  session.close()
  return { y, caches }
}

/** What a cache of int8 holds of `x`, as numbers again. */
function stored(x: Float32Array, steps: Float32Array): Float32Array {
  return x.map((value, i) => {
    const step = steps[i % KV]!
    const rounded = Math.round(value / step)
    const toEven = Math.abs((value / step) % 1) === 0.5 ? 2 * Math.round(value / step / 2) : rounded
    return Math.min(127, Math.max(-128, toEven)) * step
  })
}

const CASES: [string, Extra][] = [...Object.entries(OPTIONS), ['sinks', { sinks: true }]]

describe.each(CASES)('attention with caches in fewer bits (%s)', (_, extra) => {
  test('int8: is attention over what the steps of each head and channel leave of keys and values', async () => {
    const { y, caches } = await attend('int8', [TIME], [keys, values], extra)
    const left = [stored(keys, scales('k')), stored(values, scales('v'))]
    expectClose(y, (await attend('float32', [TIME], left, extra)).y, { absolute: 1e-5, relative: 1e-5 })
    // The last channel is stored as the largest number where it is beyond it.
    const last = (caches[0]!.data as Int8Array).filter((_, i) => i % CHANNELS === CHANNELS - 1)
    expect(Math.max(...last)).toBe(127)
  })

  test('int8: a token has the same bits in a prompt, in pieces and alone', async () => {
    const whole = await attend('int8', [TIME], [keys, values], extra)
    for (const lengths of [[7, 1, 16, 16], Array<number>(TIME).fill(1)]) {
      const pieces = await attend('int8', lengths, [keys, values], extra)
      expectSameBits(pieces.y, whole.y)
      for (const at of [0, 1]) expectSameBits(pieces.caches[at]!.data, whole.caches[at]!.data)
    }
  })

  test('float16: is within the rounding of half precision, in a prompt, in pieces and alone', async () => {
    const { y } = await attend('float32', [TIME], [keys, values], extra)
    const whole = await attend('float16', [TIME], [keys, values], extra)
    for (const lengths of [[TIME], [7, 1, 16, 16], Array<number>(TIME).fill(1)]) {
      const pieces = await attend('float16', lengths, [keys, values], extra)
      // Numbers of at most 2 are rounded by at most 2 ** -11 of themselves: queries, keys, values, weights and the result.
      expectClose(pieces.y, y, { absolute: 5e-3, relative: 0 })
      for (const at of [0, 1]) expectSameBits(pieces.caches[at]!.data, whole.caches[at]!.data)
    }
  })
})

test('steps of another shape than the cache are refused by its name', () => {
  const ops = decoderOps({ at: new GraphBuilder() }, 'fused', null, kvCaches('int8'))
  const [q, k, v] = ['q', 'k', 'v'].map((name) => ({ name })) as [{ name: string }, { name: string }, { name: string }]
  const past = { k: { name: 'state.layers.0.k' }, v }
  expect(() => ops.cachedAttention({ q, k, v, past, filled: q, heads: 2, kvHeads: 1, channels: 8, scale: 1 })).toThrow(
    'state.layers.0.k: expected 8 scales, got none',
  )
})
