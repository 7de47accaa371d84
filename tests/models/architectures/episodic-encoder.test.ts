import { beforeAll, expect, test } from 'vitest'
import { decoderOps, type Kernels } from '../../../exporter/kernels.ts'
import { GraphBuilder, type Port, type Value } from '../../../exporter/onnx/graph.ts'
import { withComposites } from '../../../models/composites.ts'
import { ConfigError } from '../../../models/config.ts'
import {
  encodeEpisode,
  episodicConfig,
  episodicParams,
  episodicState,
} from '../../../models/architectures/episodic-encoder.ts'
import { fill, flatten, leaves, type Of, type SpecTree } from '../../../models/spec.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { Random } from '../../../trainer/random.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectClose } from '../../support/all-close.ts'
import { layerNorm, PlainMamba, plus, times } from '../../support/plain-model.ts'
import { runOnnx } from '../../support/run-onnx.ts'

const config = episodicConfig({ input: 10, width: 16, layers: 3, states: 6, summary: 12 })
const [params, state]: [SpecTree, SpecTree] = [episodicParams(config), episodicState(config)]
type Params<T> = Of<ReturnType<typeof episodicParams>, T>
type State<T> = Of<ReturnType<typeof episodicState>, T>

const TIME = 9
const CLOSE = { absolute: 1e-5, relative: 1e-4 }
const random = new Random('episode')
const weights = initialise(params, 4)
for (const data of weights.values()) for (let i = 0; i < data.length; i++) data[i]! += 0.1 * random.normal()
const embeddings = Array.from({ length: TIME }, () => Array.from({ length: config.input }, () => random.normal()))

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

/** The summary in plain loops: linear, x + Mamba(LN x) for each layer, LN, mean, linear. */
function reference(): number[] {
  const of = (name: string): Float32Array => weights.get(name)!
  const norm = (x: readonly number[], name: string) => layerNorm(x, of(`${name}.gain`), of(`${name}.bias`))
  const plain = new PlainMamba(config, config.layers, of)
  const read = embeddings.map((x) => {
    let u = plus(times(x, of('input'), config.width), of('inputBias'))
    for (let i = 0; i < config.layers; i++) u = plus(u, plain.mix(i, norm(u, `layers.${i}.norm`)))
    return norm(u, 'norm')
  })
  const mean = read[0]!.map((_, d) => read.reduce((sum, row) => sum + row[d]!, 0) / TIME)
  return plus(times(mean, of('output'), config.summary), of('outputBias'))
}

test.each([[[TIME]], [[4, 5]], [[1, 2, 6]]])('on TF.js, read in pieces of %j, is the plain loop', (lengths) => {
  const op = withComposites<Tensor>(eager(tf))
  const p = fill(params, (path, spec) => tf.tensor(weights.get(path)!, spec.shape.map(Number))) as Params<Tensor>
  let now = fill(state, (_, spec) => tf.zeros([1, ...spec.shape.slice(1).map(Number)])) as State<Tensor>
  let [at, summary] = [0, tf.zeros([1])]
  for (const length of lengths) {
    const done = encodeEpisode<Tensor>(op, config, p, tf.tensor3d([embeddings.slice(at, at + length)]), now)
    now = done.state
    summary = done.summary
    at += length
  }
  expectClose(summary.dataSync(), reference(), CLOSE)
})

/** The encoder as a graph of its own, for any batch and any time. */
function trace(kernels: Kernels) {
  const graph = new GraphBuilder()
  const p = fill(params, (path, spec) =>
    graph.initializer(path, 'float32', spec.shape.map(Number), weights.get(path)!),
  ) as Params<Value>
  const before = fill(state, (path): Value => ({ name: `state.${path}` })) as State<Value>
  const done = encodeEpisode<Value>(decoderOps({ at: graph }, kernels), config, p, { name: 'x' }, before)
  graph.output(done.summary, 'summary')
  for (const [path, value] of leaves<Value>(state, done.state)) graph.output(value, `next.${path}`)
  const port = (name: string, shape: readonly (string | number)[]): Port => ({ name, dtype: 'float32', shape })
  const states = flatten(state).map(([path, spec]) => ({ path, shape: ['batch', ...spec.shape.slice(1).map(Number)] }))
  return graph.model(
    'episodic',
    [port('x', ['batch', 'time', config.input]), ...states.map((s) => port(`state.${s.path}`, s.shape))],
    [port('summary', ['batch', config.summary]), ...states.map((s) => port(`next.${s.path}`, s.shape))],
  )
}

test.each(['fused', 'portable'] as const)(
  'traced with %s kernels, two rows at once, is the plain loop',
  async (kernels) => {
    const x = createTensor(
      'float32',
      [2, TIME, config.input],
      Float32Array.from([...embeddings, ...embeddings.toReversed()].flat()),
    )
    const zeros = flatten(state).map(([path, spec]) => [path, [2, ...spec.shape.slice(1).map(Number)]] as const)
    const given = {
      x,
      ...Object.fromEntries(zeros.map(([path, dims]) => [`state.${path}`, createTensor('float32', dims)])),
    }
    const outputs: Port[] = [
      { name: 'summary', dtype: 'float32', shape: [2, config.summary] },
      ...zeros.map(([path, dims]): Port => ({ name: `next.${path}`, dtype: 'float32', shape: dims })),
    ]
    const got = (await runOnnx(trace(kernels), given, outputs))['summary']!.data as Float32Array
    const expected = reference()
    expectClose(got.slice(0, config.summary), expected, CLOSE)
    const difference = got.slice(config.summary).map((value, i) => Math.abs(value - expected[i]!))
    expect(Math.max(...difference), 'the same embeddings backwards').toBeGreaterThan(1e-3)
  },
)

test('refuses what it cannot be', () => {
  expect(() => episodicConfig({ layers: 0 })).toThrow(
    new ConfigError('episodic.layers: expected a whole number from 1 to 1024, got 0'),
  )
})
