import { beforeAll, describe, expect, test } from 'vitest'
import { withComposites } from '../../../models/composites.ts'
import { ConfigError } from '../../../models/config.ts'
import { createModel } from '../../../models/registry.ts'
import { fill } from '../../../models/spec.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectClose } from '../../support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from '../../support/decoders.ts'
import { dot, layerNorm, mixed, PlainMamba, plus, softmax, times } from '../../support/plain-model.ts'

const [VOCAB, D, HEADS, LAYERS, N, M, STRIDE, KEYS] = [23, 16, 2, 2, 3, 6, 4, 8]
const options = {
  vocab: VOCAB,
  width: D,
  heads: HEADS,
  layers: LAYERS,
  outputs: N,
  tokens: M,
  stride: STRIDE,
  keys: KEYS,
  ssmLayers: 2,
  ssmStates: 4,
}
const model = createModel('smt', options)
const weights = randomWeights(model)
const of = (name: string): Float32Array => weights.get(name)!
/** More writes than a window has outputs, and a rest. */
const ids = randomIds(VOCAB, 5 * STRIDE + 2, 1)

/** One window [outputs | tokens], its empty places left out: the last place after all layers. */
function gpt(window: readonly (readonly number[])[], places: readonly number[]): number[] {
  let x = window.map((row, i) => plus([...row], of('positions').slice(places[i]! * D, (places[i]! + 1) * D)))
  const channels = D / HEADS
  for (let layer = 0; layer < LAYERS; layer++) {
    const w = (name: string): Float32Array => of(`blocks.${layer}.${name}`)
    const normed = x.map((row) => layerNorm(row, w('attentionNorm.gain'), w('attentionNorm.bias')))
    const qkv = normed.map((row) => plus(times(row, w('qkv'), 3 * D), w('qkvBias')))
    x = x.map((row, i) => {
      const read = Array.from({ length: HEADS }, (_, h) => {
        const part = (j: number, from: number) => qkv[j]!.slice(from + h * channels, from + (h + 1) * channels)
        const seen = Array.from({ length: i + 1 }, (_, j) => j)
        const shares = softmax(seen.map((j) => dot(part(i, 0), part(j, D)) / Math.sqrt(channels)))
        return mixed(
          shares,
          seen.map((j) => part(j, 2 * D)),
        )
      }).flat()
      const attended = plus(row, plus(times(read, w('output'), D), w('outputBias')))
      const inner = plus(
        times(layerNorm(attended, w('feedForwardNorm.gain'), w('feedForwardNorm.bias')), w('up'), 4 * D),
        w('upBias'),
      )
      // GPT-2's GELU as it is published: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
      const bent = inner.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))))
      return plus(attended, plus(times(bent, w('down'), D), w('downBias')))
    })
  }
  return layerNorm(x.at(-1)!, of('norm.gain'), of('norm.bias'))
}

/** The system's recurrence, token by token, every window on its own. */
function direct(): { logits: number[]; outputs: number[][] } {
  const embedding = (id: number): number[] => Array.from(of('embed').slice(id * D, (id + 1) * D))
  const ssm = new PlainMamba({ width: D, expansion: 2, states: 4, conv: 4 }, 2, (name) => of(`ssm.${name}`))
  const outputs: number[][] = []
  const logits = ids.flatMap((_, t) => {
    const held = outputs.slice(-N)
    const tokens = ids.slice(Math.max(0, t + 1 - M), t + 1).map(embedding)
    const places = [...held.map((_, i) => N - held.length + i), ...tokens.map((_, i) => N + M - tokens.length + i)]
    const window = [...held, ...tokens]
    const hidden = gpt(window, places)
    if ((t + 1) % STRIDE === 0) {
      const mean = mixed(
        window.map(() => 1 / window.length),
        window,
      )
      const query = times(mean, of('pool.query'), KEYS)
      const scores = window.map((row) => dot(query, times(row, of('pool.key'), KEYS)) / Math.sqrt(KEYS))
      outputs.push(ssm.step(mixed(softmax(scores), window)))
    }
    return Array.from({ length: VOCAB }, (_, v) => dot(hidden, embedding(v)))
  })
  return { logits, outputs }
}

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

describe('windows', () => {
  const expected = direct()
  const CLOSE = { absolute: 3e-5, relative: 1e-4 }

  test('give what the Transformer gives over each window on its own, on TF.js', () => {
    const got = eagerRun(tf, model, weights, [ids])
    expectClose(got.logits, expected.logits, { ...CLOSE, what: 'logits' })
    expectClose(got.state.get('outputs')!, expected.outputs.slice(-N).flat(), { ...CLOSE, what: 'outputs' })
  })

  test('give it in a served decoder too, token by token', async () => {
    const decoder = await openModel(model, 'fused', weights)
    let state = decoder.start(1)
    const logits: number[] = []
    for (const id of ids) {
      const step = await decoder.run([[id]], state)
      logits.push(...(step.logits.data as Float32Array))
      state = step.state
    }
    expectClose(logits, expected.logits, { ...CLOSE, what: 'logits' })
    decoder.close()
  })
})

test('the state says how many writes there have been, and a reader that observes the model is told', async () => {
  const decoder = await openModel(model, 'fused', weights)
  const { state } = await decoder.run([ids], decoder.start(1))
  expect([...(state['writes']!.data as Float32Array)]).toEqual([5])
  decoder.close()

  const seen: number[] = []
  const op = withComposites<Tensor>(eager(tf), {
    tap(x, name) {
      if (name === 'writes') seen.push(x.dataSync()[0]!)
      return x
    },
  })
  const sized = (shape: readonly (number | string)[]) => shape.map((d) => (d === 'batch' ? 1 : Number(d)))
  const params = fill(model.params, (path, spec) => tf.tensor(of(path), sized(spec.shape)))
  const start = fill(model.state, (_, spec) => tf.zeros(sized(spec.shape)))
  model.forward<Tensor>(op, params, tf.tensor2d([ids], [1, ids.length], 'int32'), start)
  expect(seen).toEqual([1, 2, 3, 4, 5, 5])
})

test.each(['seed', 'sliding'])('%s: what left the window of tokens still acts, through the outputs', async (mode) => {
  const own = createModel('smt', { ...options, layers: 1, mode })
  const decoder = await openModel(own, 'fused')
  const last = async (row: readonly number[]) => {
    const { logits } = await decoder.run([row], decoder.start(1), -1)
    return Array.from(logits.data as Float32Array)
  }
  // The first token is 13 tokens back: beyond the 6 of the window, and before three writes
  const row = ids.slice(0, 14)
  const [before, after] = [await last(row), await last(row.with(0, (row[0]! + 1) % VOCAB))]
  expect(Math.max(...before.map((x, i) => Math.abs(x - after[i]!)))).toBeGreaterThan(1e-5)
  decoder.close()
})

test('the outputs start as large as embeddings, so that a summary has tokens in it', () => {
  const start = eagerRun(tf, model, initialise(model.params, 1), [ids])
  const rms = (x: readonly number[]): number => Math.sqrt(dot(x, x) / x.length)
  expect(rms([...start.state.get('outputs')!])).toBeCloseTo(0.02, 3)
})

describe('an impossible configuration is refused by name', () => {
  test.each([
    [{ stride: 7 }, /^smt\.stride: expected 1 to 6 \(smt\.tokens\), got 7$/],
    [{ heads: 3 }, /^smt\.heads: 3 heads do not split width 16 into whole channels$/],
    [{ mode: 'sliding', heads: 16 }, /^smt\.heads: 16 heads do not split width 16 into even channels$/],
    [{ outputs: 0 }, /^smt\.outputs: expected a whole number from 1 to 4096, got 0$/],
    [{ mode: 'both' }, /^smt\.mode: expected one of seed, sliding, got "both"$/],
  ])('%j', (wrong, message) => {
    const make = () => createModel('smt', { ...options, ...wrong })
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(message)
  })
})
