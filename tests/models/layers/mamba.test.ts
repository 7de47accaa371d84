import { beforeAll, describe, expect, test } from 'vitest'
import { define } from '../../../models/architecture.ts'
import { count } from '../../../models/config.ts'
import { type MambaConfig, mambaStack, mambaStackParams, mambaStackState } from '../../../models/layers/mamba.ts'
import { matrix } from '../../../models/spec.ts'
import { initialise } from '../../../trainer/initialise.ts'
import { loadTensorFlow, type TensorFlow } from '../../../trainer/tensorflow/load.ts'
import { expectClose } from '../../support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from '../../support/decoders.ts'

const [VOCAB, WIDTH, LAYERS, TIME] = [11, 24, 2, 13]
const config: MambaConfig = { width: WIDTH, expansion: 2, states: 5, conv: 4 }
const E = 2 * WIDTH
const RANK = 2 // ceil(24 / 16)

/** The stack alone, between an embedding and a head of its own. */
const model = define({
  name: 'mamba',
  about: 'a stack of Mamba-1 layers for tests',
  fields: { vocab: count(VOCAB, 'size of the vocabulary'), width: count(WIDTH, 'width of the model') },
  check() {},
  params: () => ({
    embed: matrix([VOCAB, WIDTH]),
    stack: mambaStackParams(config, LAYERS),
    head: matrix([WIDTH, VOCAB]),
  }),
  state: () => mambaStackState(config, LAYERS),
  forward(op, _, p, ids, s) {
    const done = mambaStack(op, config, p.stack, op.gather(p.embed, ids), s)
    return { hidden: done.y, state: done.state }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, p.head),
}).model({})

const weights = randomWeights(model)
const ids = randomIds(VOCAB, TIME, 1)

/** y[j] = sum over i of x[i] w[i, from + j]. */
const times = (x: readonly number[], w: Float32Array, columns: number, from = 0, to = columns): number[] =>
  Array.from({ length: to - from }, (_, j) => x.reduce((sum, xi, i) => sum + xi * w[i * columns + from + j]!, 0))
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const norm = (x: readonly number[], weight: Float32Array): number[] => {
  const rms = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + 1e-5)
  return x.map((v, i) => (v / rms) * weight[i]!)
}

/** The layer as the paper writes it, one number after another in double precision. */
function reference(of: ReadonlyMap<string, Float32Array>): { logits: number[]; memory: number[][] } {
  const memory = Array.from({ length: LAYERS }, () => Array.from({ length: E * config.states }, () => 0))
  const inputs: number[][][] = Array.from({ length: LAYERS }, () => [])
  const logits = ids.flatMap((id) => {
    let u = Array.from({ length: WIDTH }, (_, i) => of.get('embed')![id * WIDTH + i]!)
    for (let layer = 0; layer < LAYERS; layer++) {
      const w = (name: string) => of.get(`stack.layers.${layer}.mixer.${name}`)!
      const x = norm(u, of.get(`stack.layers.${layer}.mixerNorm`)!)
      const gate = times(x, w('input'), 2 * E, E)
      inputs[layer]!.push(times(x, w('input'), 2 * E, 0, E))
      const mixed = Array.from({ length: E }, (_, e) => {
        let sum = w('convBias')[e]!
        for (let tap = 0; tap < config.conv; tap++)
          sum += (inputs[layer]!.at(tap - config.conv)?.[e] ?? 0) * w('conv')[tap * E + e]!
        return sum * sigmoid(sum)
      })
      const selected = times(mixed, w('select'), RANK + 2 * config.states)
      const steps = times(selected.slice(0, RANK), w('step'), E).map((s, e) =>
        Math.log1p(Math.exp(s + w('stepBias')[e]!)),
      )
      const y = mixed.map((value, e) => {
        let sum = value * w('skip')[e]!
        for (let n = 0; n < config.states; n++) {
          const at = e * config.states + n
          const decay = Math.exp(-Math.exp(w('rate')[at]!) * steps[e]!)
          memory[layer]![at] = decay * memory[layer]![at]! + steps[e]! * selected[RANK + n]! * value
          sum += selected[RANK + config.states + n]! * memory[layer]![at]!
        }
        return sum * gate[e]! * sigmoid(gate[e]!)
      })
      const out = times(y, w('output'), WIDTH)
      u = u.map((v, i) => v + out[i]!)
    }
    return times(norm(u, of.get('stack.norm')!), of.get('head')!, VOCAB)
  })
  return { logits, memory }
}

describe('a stack of Mamba-1 layers', () => {
  const CLOSE = { absolute: 2e-5, relative: 1e-4 }
  const expected = reference(weights)
  let tf: TensorFlow
  beforeAll(async () => {
    tf = (await loadTensorFlow('cpu')).tf
  })

  test('computes the recurrence of the paper on TF.js', () => {
    const got = eagerRun(tf, model, weights, [ids])
    expectClose(got.logits, expected.logits, { ...CLOSE, what: 'logits' })
    for (const [i, memory] of expected.memory.entries())
      expectClose(got.state.get(`${i}.memory`)!, memory, { ...CLOSE, what: `memory ${i}` })
  })

  test.each(['fused', 'portable'] as const)('computes it with %s kernels, at once and in pieces', async (kernels) => {
    const decoder = await openModel(model, kernels, weights)
    for (const lengths of [[TIME], [1, 7, 5], ids.map(() => 1)]) {
      let [state, at] = [decoder.start(1), 0]
      const logits: number[] = []
      for (const length of lengths) {
        const step = await decoder.run([ids.slice(at, at + length)], state)
        logits.push(...(step.logits.data as Float32Array))
        state = step.state
        at += length
      }
      expectClose(logits, expected.logits, { ...CLOSE, what: `logits in pieces of ${lengths.join()}` })
      for (const [i, memory] of expected.memory.entries())
        expectClose(state[`${i}.memory`]!.data as Float32Array, memory, { ...CLOSE, what: `memory ${i}` })
    }
    decoder.close()
  })

  test('starts with decays of 1 to N and steps from 0.001 to 0.1', () => {
    const first = initialise(model.params, 5)
    const rates = first.get('stack.layers.0.mixer.rate')!
    for (let e = 0; e < E; e++)
      expectClose(rates.slice(e * 5, e * 5 + 5).map(Math.exp), [1, 2, 3, 4, 5], { what: `channel ${e}` })
    const steps = first.get('stack.layers.1.mixer.stepBias')!.map((b) => Math.log1p(Math.exp(b)))
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(1e-3)
    expect(Math.max(...steps)).toBeLessThanOrEqual(0.1)
  })
})
