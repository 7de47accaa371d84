/** The compiled objectives of stages 2 and 3 against TF.js. */
import { describe, expect, test } from 'vitest'
import { episodicConfig } from '../../../models/architectures/episodic-encoder.ts'
import { createModel } from '../../../models/registry.ts'
import { fill, flatten, frozenPaths } from '../../../models/spec.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { compileObjectiveGradients, compileTold } from '../../../trainer/backends/compile/objective-graph.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { loadTensorFlow, type Tensor } from '../../../trainer/backends/tensorflow/load.ts'
import { eagerOps } from '../../../trainer/backends/tensorflow/ops.ts'
import type { Feed, Objective } from '../../../trainer/objective.ts'
import { Random } from '../../../trainer/random.ts'
import { ppoObjective, supervisedObjective } from '../../../trainer/stages/controller/objectives.ts'
import { retrievalObjective, ROLES } from '../../../trainer/stages/retrieval/objective.ts'
import { expectClose } from '../../support/all-close.ts'
import { runOnnx } from '../../support/run-onnx.ts'

const controller = { query: 6, groups: [3, 2], experts: 2, width: 8, layers: 1, hidden: 12, summary: 6, group: 4 }
const BATCH = 5
const base = createModel('hmst', {
  vocab: 20,
  width: 16,
  layers: 1,
  heads: 2,
  window: 8,
  hidden: 12,
  experts: 2,
  topExperts: 1,
})
const encoder = episodicConfig({ input: 16, width: 8, layers: 1, states: 3, summary: 6 })
const retrieval = (sequenceLength: number): Objective =>
  retrievalObjective({ base, encoder, semantic: 7, groups: 3, sequenceLength })

/** Numbers of the right kind for each input: masks and actions of 0 and 1, ids, and values near zero. */
function feedOf({ inputs }: Objective, random: Random): Feed {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => {
      const values = Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
        if (dtype === 'int32') return random.int(20)
        if (/^(?:actions|available|wrong|gates)$/.test(name)) return random.int(2)
        return name === 'mask' ? 1 : random.normal()
      })
      return [name, values]
    }),
  )
}

const weightsOf = ({ params }: Objective): Map<string, Float32Array> => {
  const random = new Random('weights')
  const weights = initialise(params, 3)
  for (const data of weights.values()) for (let i = 0; i < data.length; i++) data[i]! += 0.05 * random.normal()
  return weights
}

function onnxInputs(
  objective: Objective,
  weights: ReadonlyMap<string, Float32Array>,
  feed: Feed,
  names: readonly string[],
) {
  const shapes = new Map([
    ...Object.entries(objective.inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const),
    ...flatten(objective.params).map(
      ([path, { shape }]) => [`param.${path}`, { dtype: 'float32', shape: shape.map(Number) }] as const,
    ),
  ])
  return Object.fromEntries(
    names.map((name) => {
      const { dtype, shape } = shapes.get(name)!
      const tensor = createTensor(dtype, shape)
      tensor.data.set((weights.get(name.replace(/^param\./, '')) ?? feed[name]) as never)
      return [name, tensor]
    }),
  )
}

/** Dropout masks of one seed, in the order in which a trace asks for them. */
const noises = (count: number): Float32Array =>
  Float32Array.from(
    { length: count },
    (
      (random) => () =>
        random.uniform()
    )(new Random('noise')),
  )

describe.each([
  ['supervised', supervisedObjective(controller, BATCH)],
  ['ppo', ppoObjective(controller, { batch: BATCH, valueWidth: 16 })],
  ['retrieval', retrieval(6)],
])('%s', (_, objective) => {
  test('the objective, what it tells and its gradients are those of TF.js', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const [weights, feed] = [weightsOf(objective), feedOf(objective, new Random('feed'))]
    const frozen = frozenPaths(objective.params)
    const moving = flatten(objective.params).filter(([path]) => !frozen.has(path))
    let told: Record<string, ArrayLike<number>> = {}
    const { value, grads } = tf.valueAndGrads((...xs) => {
      const known = new Map(moving.map(([path], i) => [path, xs[i]!]))
      const params = fill(
        objective.params,
        (path, { shape }) => known.get(path) ?? tf.tensor(weights.get(path)!, shape.map(Number)),
      )
      const inputs = Object.fromEntries(
        Object.entries(objective.inputs).map(([name, { dtype, shape }]) => [
          name,
          tf.tensor(Array.from(feed[name]!), [...shape] as [number], dtype),
        ]),
      )
      const op = eagerOps(tf, (shape) => tf.tensor(noises(shape.reduce((a, b) => a * b, 1)), [...shape] as [number]))
      const traced = objective.trace<Tensor>(op, params, inputs, (shape) => tf.zeros([...shape] as [number]))
      told = Object.fromEntries(Object.entries(traced.told).map(([name, tensor]) => [name, tensor.dataSync()]))
      return traced.objective as ReturnType<typeof tf.scalar>
    })(moving.map(([path, { shape }]) => tf.tensor(weights.get(path)!, shape.map(Number))))
    const compiled = compileObjectiveGradients(objective)
    const given = compiled.inputs.map(({ name }) => name)
    const masks = Object.fromEntries(
      compiled.inputs
        .filter(({ name }) => name.startsWith('noise.'))
        .map(({ name, shape }) => {
          const tensor = createTensor('float32', shape.map(Number))
          tensor.data.set(noises(tensor.data.length))
          return [name, tensor]
        }),
    )
    const inputs = onnxInputs(
      objective,
      weights,
      feed,
      given.filter((name) => !name.startsWith('noise.')),
    )
    const found = await runOnnx(compiled.bytes, { ...inputs, ...masks }, compiled.outputs)
    expectClose(found['objective']!.data as Float32Array, value.dataSync(), { absolute: 1e-5, relative: 1e-5 })
    for (const [name, values] of Object.entries(told))
      expectClose(found[`told.${name}`]!.data as Float32Array, values, { absolute: 1e-5, relative: 1e-4 })
    for (const [i, [path]] of moving.entries())
      expectClose(found[`grad.${path}`]!.data as Float32Array, grads[i]!.dataSync(), { absolute: 1e-4, relative: 1e-3 })
    expect(Math.max(...grads.map((grad) => grad.abs().max().dataSync()[0]!))).toBeGreaterThan(1e-3)
  })
})

test('padding behind a text changes none of its vectors', async () => {
  const [narrow, wide] = [retrieval(6), retrieval(9)]
  const [weights, feed] = [weightsOf(narrow), feedOf(narrow, new Random('texts'))]
  const rows = ROLES.length * 3
  const padded = { ids: new Int32Array(rows * 9).fill(7), mask: new Float32Array(rows * 9) }
  for (let row = 0; row < rows; row++)
    for (let t = 0; t < 6; t++) {
      padded.ids[row * 9 + t] = feed['ids']![row * 6 + t]!
      padded.mask[row * 9 + t] = 1
    }
  const toldBy = async (objective: Objective, given: Feed) => {
    const { bytes, inputs, outputs } = compileTold(objective)
    const names = inputs.map(({ name }) => name)
    return runOnnx(bytes, onnxInputs(objective, weights, given, names), outputs)
  }
  const [one, other] = [await toldBy(narrow, feed), await toldBy(wide, padded)]
  for (const name of ['told.questions', 'told.episodes', 'told.asked', 'told.consolidated'])
    expectClose(other[name]!.data as Float32Array, one[name]!.data as Float32Array, { absolute: 1e-5 })
})
