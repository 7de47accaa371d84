import { beforeAll, describe, expect, test } from 'vitest'
import type { Decoder, State } from '../../runtime/decoder.ts'
import { type Tensor as Memory, view } from '../../runtime/tensor.ts'
import { loadTensorFlow, type TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { expectClose, expectSameBits } from '../support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from '../support/decoders.ts'
import { configurations } from './configurations.ts'

/** Float32 sums in another order: chunks against tokens, kernels against primitives. */
const CLOSE = { absolute: 2e-5, relative: 1e-4 }
/** Longer than the window, the convolution and a chunk of the longest memory in the table. */
const TIME = 29

const floats = (t: Memory): Float32Array => t.data as Float32Array

/** Feeds ids in pieces of the given lengths; all logits in order, and the last state. */
async function feed(decoder: Decoder, ids: readonly number[], lengths: readonly number[], from?: State) {
  let state = from ?? decoder.start(1)
  let at = 0
  const logits: number[] = []
  for (const length of lengths) {
    const step = await decoder.run([ids.slice(at, at + length)], state)
    logits.push(...floats(step.logits))
    state = step.state
    at += length
  }
  return { logits: Float32Array.from(logits), state }
}

/** Rows of several sequences' states as one batch. */
const rowOf = (state: State, row: number): State =>
  Object.fromEntries(
    Object.entries(state).map(([name, t]) => {
      const size = t.data.length / t.dims[0]!
      return [name, view(t, [1, ...t.dims.slice(1)], row * size)]
    }),
  )

describe.each(configurations)('$name', ({ model }) => {
  let tf: TensorFlow
  let fused: Decoder
  let portable: Decoder
  const weights = randomWeights(model)
  const ids = randomIds(model.vocab, TIME, 1)
  beforeAll(async () => {
    tf = (await loadTensorFlow('cpu')).tf
    fused = await openModel(model, 'fused', weights)
    portable = await openModel(model, 'portable', weights)
  })

  test('TF.js = ONNX Runtime fused = portable', async () => {
    const expected = eagerRun(tf, model, weights, [ids])
    for (const [kernels, decoder] of Object.entries({ fused, portable })) {
      const got = await feed(decoder, ids, [TIME])
      expectClose(got.logits, expected.logits, { ...CLOSE, what: `${kernels} logits` })
      for (const [path, values] of expected.state)
        expectClose(floats(got.state[path]!), values, { ...CLOSE, what: `${kernels} state.${path}` })
    }
  })

  test('whole = in pieces = token by token', async () => {
    const whole = await feed(fused, ids, [TIME])
    for (const lengths of [[5, 11, 13], [1, 27, 1], Array.from({ length: TIME }, () => 1)]) {
      const got = await feed(fused, ids, lengths)
      expectClose(got.logits, whole.logits, { ...CLOSE, what: `logits in pieces of ${lengths.join()}` })
      for (const [name, t] of Object.entries(whole.state))
        expectClose(floats(got.state[name]!), floats(t), { ...CLOSE, what: `state.${name}` })
    }
  })

  test('saved and restored anywhere = uninterrupted, bit for bit', async () => {
    const tokens = Array.from({ length: TIME }, () => 1)
    const whole = await feed(fused, ids, tokens)
    for (const cut of [1, 6, 7, 20]) {
      const first = await feed(fused, ids, tokens.slice(0, cut))
      const saved = Object.entries(first.state).map(([name, t]) => [name, t.dims, floats(t).slice()] as const)
      const again = await openModel(model, 'fused', weights)
      const restored = Object.fromEntries(
        saved.map(([name, dims, data]) => [name, { ...first.state[name]!, dims, data }]),
      )
      const rest = await feed(again, ids.slice(cut), tokens.slice(cut), restored)
      expectSameBits(rest.logits, whole.logits.subarray(cut * model.vocab), `logits after ${cut}`)
      for (const [name, t] of Object.entries(whole.state)) expectSameBits(floats(rest.state[name]!), floats(t), name)
      again.close()
    }
  })

  test('a batch = its rows alone, bit for bit', async () => {
    // Rows with different histories, so that their states differ
    const histories = [0, 3, 11].map((n, i) => randomIds(model.vocab, n + 1, 10 + i))
    const alone: Awaited<ReturnType<typeof feed>>[] = []
    for (const history of histories)
      alone.push(
        await feed(
          fused,
          history,
          history.map(() => 1),
        ),
      )
    const joined: State = Object.fromEntries(
      Object.keys(alone[0]!.state).map((name) => {
        const parts = alone.map(({ state }) => state[name]!)
        const data = Float32Array.from(parts.flatMap((t) => Array.from(floats(t))))
        return [name, { dtype: 'float32', dims: [parts.length, ...parts[0]!.dims.slice(1)], data }]
      }),
    )
    const next = randomIds(model.vocab, histories.length, 20)
    const batch = await fused.run(
      next.map((id) => [id]),
      joined,
    )
    for (const [row, id] of next.entries()) {
      const single = await fused.run([[id]], alone[row]!.state)
      expectSameBits(
        floats(batch.logits).slice(row * model.vocab, (row + 1) * model.vocab),
        floats(single.logits),
        `row ${row}`,
      )
      for (const [name, t] of Object.entries(rowOf(batch.state, row)))
        expectSameBits(floats(t), floats(single.state[name]!), `row ${row} state.${name}`)
    }
  })

  test('changing token t changes nothing before t, and something at t', async () => {
    const base = await feed(fused, ids, [TIME])
    for (const t of [1, 8, 22]) {
      const other = ids.with(t, (ids[t]! + 1) % model.vocab)
      const got = await feed(fused, other, [TIME])
      expectClose(got.logits.subarray(0, t * model.vocab), base.logits.subarray(0, t * model.vocab), {
        absolute: 1e-7,
        relative: 0,
        what: `before ${t}`,
      })
      expect(got.logits.slice(t * model.vocab, (t + 1) * model.vocab)).not.toEqual(
        base.logits.slice(t * model.vocab, (t + 1) * model.vocab),
      )
    }
  })

  test('a long conversation stays finite, and its state bounded', async () => {
    let state = fused.start(1)
    for (let piece = 0; piece < 20; piece++) {
      const step = await fused.run([randomIds(model.vocab, 100, 100 + piece)], state, -1)
      state = step.state
      expect(
        floats(step.logits).every((x) => Number.isFinite(x)),
        `logits after ${100 * (piece + 1)} tokens`,
      ).toBe(true)
    }
    for (const [name, t] of Object.entries(state))
      expect(Math.max(...floats(t).map(Math.abs)), `state.${name}`).toBeLessThan(1e3)
  })

  test('logits_from gives the last rows of the logits', async () => {
    const all = floats((await fused.run([ids], fused.start(1))).logits)
    const last = floats((await fused.run([ids], fused.start(1), -1)).logits)
    expectClose(last, all.slice(-model.vocab), CLOSE)
    expect((await fused.run([ids], fused.start(1), 2 ** 31 - 1)).logits.dims).toEqual([1, 0, model.vocab])
  })
})
