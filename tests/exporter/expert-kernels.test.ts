import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { chosenExperts, type ExpertMatrices } from '../../exporter/expert-kernels.ts'
import { decoderOps } from '../../exporter/kernels.ts'
import { GraphBuilder, type Port, type Value } from '../../exporter/onnx/graph.ts'
import type { MixtureOfExperts } from '../../models/ops.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { Random } from '../../trainer/random.ts'
import { expectClose } from '../support/all-close.ts'
import { runOnnx } from '../support/run-onnx.ts'

interface Sizes {
  readonly batch: number
  readonly time: number
  readonly experts: number
  readonly top: number
  readonly bias: boolean
  readonly alone: boolean
}
const [WIDTH, HIDDEN] = [8, 12]
type Form = 'chosen' | 'all'

/** x, its routing and random weights of a mixture whose experts have a gate. */
function given({ batch, time, experts, top }: Sizes, seed: number) {
  const random = new Random(seed)
  const tensor = (dims: readonly number[]): Tensor => {
    const made = createTensor('float32', dims)
    for (let i = 0; i < made.data.length; i++) made.data[i] = 0.5 * random.normal()
    return made
  }
  const [chosen, share] = [createTensor('float32', [batch, time, experts]), tensor([batch, time, experts])]
  for (let token = 0; token < batch * time; token++)
    for (let of = 0; of < top;) {
      const at = token * experts + random.int(experts)
      if (chosen.data[at] === 1) continue
      chosen.data[at] = 1
      of++
    }
  share.data.forEach((x, i) => (share.data[i] = Number(x) * Number(chosen.data[i])))
  const weights = {
    up: tensor([experts, 2 * HIDDEN, WIDTH]),
    upBias: tensor([experts, 2 * HIDDEN]),
    down: tensor([experts, WIDTH, HIDDEN]),
    downBias: tensor([experts, WIDTH]),
  }
  return { inputs: { x: tensor([batch, time, WIDTH]), chosen, share }, weights }
}

async function run(sizes: Sizes, { inputs, weights }: ReturnType<typeof given>, form: Form): Promise<Float32Array> {
  const graph = new GraphBuilder()
  const op = decoderOps({ at: graph }, 'portable')
  const parameter = (name: string, { dims, data }: Tensor): Value => graph.initializer(name, 'float32', dims, data)
  const mixture: MixtureOfExperts<Value> = {
    x: { name: 'x' },
    chosen: { name: 'chosen' },
    share: { name: 'share' },
    up: parameter('up', weights.up),
    down: parameter('down', weights.down),
    ...(sizes.bias
      ? { upBias: parameter('upBias', weights.upBias), downBias: parameter('downBias', weights.downBias) }
      : {}),
    experts: sizes.experts,
    top: sizes.top,
    width: WIDTH,
    rows: 2 * HIDDEN,
    hidden: HIDDEN,
    activate(inner) {
      const [gate, up] = op.split(inner, [HIDDEN, HIDDEN], -1) as [Value, Value]
      return op.mul(op.silu(gate), up)
    },
  }
  const matrices = (name: 'up' | 'down'): ExpertMatrices => ({
    prepare: (x) => x,
    multiply(x, expert) {
      const [, rows, columns] = weights[name].dims as [number, number, number]
      const data = weights[name].data.slice(expert * rows * columns, (expert + 1) * rows * columns)
      return op.linear(x, graph.initializer(`${name}.${expert}`, 'float32', [rows, columns], data))
    },
    alone: sizes.alone,
  })
  const y =
    form === 'chosen' ? chosenExperts(graph, mixture, matrices('up'), matrices('down')) : op.mixtureOfExperts(mixture)
  graph.output(y, 'y')
  const ports = Object.entries(inputs).map(([name, { dims }]): Port => ({ name, dtype: 'float32', shape: dims }))
  const out: Port = { name: 'y', dtype: 'float32', shape: inputs.x.dims }
  const done = await runOnnx(graph.model('experts', ports, [out]), inputs, [out])
  return done['y']!.data as Float32Array
}

test('the chosen experts give what all experts give, weighted with 0 where they are not chosen', async () => {
  const sizes = fc
    .record({
      batch: fc.integer({ min: 1, max: 3 }),
      time: fc.integer({ min: 1, max: 7 }),
      experts: fc.integer({ min: 1, max: 9 }),
      top: fc.integer({ min: 1, max: 4 }),
      bias: fc.boolean(),
      alone: fc.boolean(),
    })
    .filter(({ experts, top }) => top <= experts)
  const property = fc.asyncProperty(sizes, fc.integer({ min: 0, max: 1e6 }), async (size, seed) => {
    const all = given(size, seed)
    expectClose(await run(size, all, 'chosen'), await run(size, all, 'all'), { absolute: 1e-5, relative: 1e-5 })
  })
  await fc.assert(property, { numRuns: 40 })
})

test('an expert that no token has chosen is not computed: its weights may be anything', async () => {
  const sizes: Sizes = { batch: 2, time: 3, experts: 5, top: 2, bias: false, alone: true }
  const all = given(sizes, 1)
  // Nobody chooses the last expert.
  for (let token = 0; token < 6; token++) {
    const row = all.inputs.chosen.data
    const own = row.subarray(token * 5, token * 5 + 5)
    if (own[4] === 1) own[own.indexOf(0)] = 1
    own[4] = 0
  }
  for (const { data } of [all.weights.up, all.weights.down])
    (data as Float32Array).fill(Number.NaN, (data.length / 5) * 4)
  expect((await run(sizes, all, 'chosen')).every(Number.isFinite)).toBe(true)
  expect((await run(sizes, all, 'all')).every(Number.isFinite)).toBe(false)
})
