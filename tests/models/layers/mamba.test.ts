import { beforeAll, describe, expect, test } from 'vitest'
import { define } from '../../../models/architecture.ts'
import { count } from '../../../models/config.ts'
import { type MambaConfig, mambaStack, mambaStackParams, mambaStackState } from '../../../models/layers/mamba.ts'
import { matrix } from '../../../models/spec.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { loadTensorFlow, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { expectClose } from '../../support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from '../../support/decoders.ts'
import { PlainMamba, times } from '../../support/plain-model.ts'

const [VOCAB, WIDTH, LAYERS, TIME] = [11, 24, 2, 13]
const config: MambaConfig = { width: WIDTH, expansion: 2, states: 5, conv: 4 }
const E = 2 * WIDTH

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

function reference(): { logits: number[]; memory: number[][] } {
  const plain = new PlainMamba(config, LAYERS, (name) => weights.get(`stack.${name}`)!)
  const logits = ids.flatMap((id) => {
    const x = Array.from(weights.get('embed')!.slice(id * WIDTH, (id + 1) * WIDTH))
    return times(plain.step(x), weights.get('head')!, VOCAB)
  })
  return { logits, memory: plain.memory }
}

describe('a stack of Mamba-1 layers', () => {
  const CLOSE = { absolute: 2e-5, relative: 1e-4 }
  const expected = reference()
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
    const rates = first.get('stack.layers.0.mixer.ALog')!
    for (let e = 0; e < E; e++)
      expectClose(rates.slice(e * 5, e * 5 + 5).map(Math.exp), [1, 2, 3, 4, 5], { what: `channel ${e}` })
    const steps = first.get('stack.layers.1.mixer.dtBias')!.map((b) => Math.log1p(Math.exp(b)))
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(1e-3)
    expect(Math.max(...steps)).toBeLessThanOrEqual(0.1)
  })
})
