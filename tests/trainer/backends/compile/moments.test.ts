import { expect, test } from 'vitest'
import { GraphBuilder, type Value } from '../../../../exporter/onnx/graph.ts'
import { createModel } from '../../../../models/registry.ts'
import { openGraph } from '../../../../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../../../../runtime/tensor.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { onnxEmitter } from '../../../../trainer/backends/compile/emit.ts'
import { moments } from '../../../../trainer/backends/compile/moments.ts'
import { recorder } from '../../../../trainer/backends/compile/recorder.ts'
import { type Node, replay, Tape } from '../../../../trainer/backends/compile/tape.ts'
import { emptyBatch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { expectSameBits } from '../../../support/all-close.ts'
import { adamW, backendOptions } from '../../../support/backend-options.ts'

const model = createModel('vanilla', { vocab: 64, width: 64, layers: 2, heads: 2, hidden: 128, window: 16 })
const options = (bits: 8 | 32, accumulate = 1) =>
  backendOptions(model, { batch: 4, sequenceLength: 16, optimizer: { ...adamW, bits }, accumulate, carry: false })
const batches = [0, 1, 2, 3].map((seed) => {
  const random = new Random(`batch ${seed}`)
  const batch = emptyBatch(4, 16)
  for (let i = 0; i < batch.ids.length; i++) {
    batch.ids[i] = random.int(64)
    batch.targets[i] = (batch.ids[i]! * 5 + 1) % 64
    batch.weights[i] = 1
  }
  return batch
})

test('8-bit moments take a quarter of the memory, and learn as fast', async () => {
  const found = []
  for (const bits of [32, 8] as const) {
    const backend = await createCompiledBackend(options(bits), 3)
    let loss = 0
    for (let step = 1; step <= 60; step++) ({ loss } = await backend.update([batches[step % 4]!], 3e-3, step))
    const held = [...backend.read()].filter(([name]) => /^(first|second)/.test(name))
    found.push({ loss, bytes: held.reduce((sum, [, t]) => sum + t.data.byteLength, 0) })
    backend.close()
  }
  const [whole, small] = found as [(typeof found)[0], (typeof found)[0]]
  expect(small.bytes).toBeLessThan(0.27 * whole.bytes)
  expect(whole.loss).toBeLessThan(1)
  expect(Math.abs(small.loss - whole.loss)).toBeLessThan(0.15)
})

test('8-bit moments move once an update of two batches, are taken back with it, and go on bit for bit', async () => {
  const one = await createCompiledBackend(options(8, 2), 3)
  const pair = (i: number) => [batches[i % 4]!, batches[(i + 1) % 4]!]
  for (const number of [1, 2]) await one.update(pair(number), 1e-2, number)
  const before = one.read()
  await one.update(pair(3), 1e-2, 3)
  one.undo()
  for (const [name, { data }] of one.read()) expectSameBits(data, before.get(name)!.data, name)
  const other = await createCompiledBackend(options(8, 2), 99)
  other.write(before)
  for (const backend of [one, other]) await backend.update(pair(3), 1e-2, 3)
  const after = other.read()
  for (const [name, { data }] of one.read()) expectSameBits(after.get(name)!.data, data, name)
  one.close()
  other.close()
})

test('moments that change by less than one of 255 numbers a step change all the same', async () => {
  const tape = new Tape()
  const op = recorder(tape)
  const dither = tape.input('dither', [])
  const start = tape.input('start', [])
  const held = moments(tape, op, 'p', [64, 64], 8, dither)
  const shrunk = (moment: Node) => op.add(op.mul(moment, op.constant(0.999)), start)
  const kept = held.keep(shrunk(held.first), shrunk(held.second), (next) => next)
  const graph = new GraphBuilder()
  const inputs = tape.nodes.filter((node) => node.inputs.length === 0 && /^(first|second|dither|start)/.test(node.name))
  const given = new Map<Node, Value>(inputs.map((node) => [node, { name: node.name }]))
  const names = [...kept.keys()]
  const values = replay(tape.nodes, onnxEmitter({ at: graph }), given, [...kept.values()])
  values.forEach((value, i) => graph.output(value, `next.${names[i]}`))
  const port = (name: string, { dtype, shape }: Node) => ({ name, dtype, shape })
  const bytes = graph.model(
    'moments',
    inputs.map((node) => port(node.name, node)),
    names.map((name) => port(`next.${name}`, kept.get(name)!)),
  )
  const session = await openGraph(bytes, { threads: 1 })
  const fresh = () =>
    Object.fromEntries(names.map((name) => [name, createTensor(kept.get(name)!.dtype, kept.get(name)!.shape)]))
  const sets = [fresh(), fresh()]
  const scalars = { dither: createTensor('float32', []), start: createTensor('float32', []) }
  for (let step = 0; step < 1000; step++) {
    scalars.dither.data[0] = (step * 0.7548776662466927) % 1
    scalars.start.data[0] = step === 0 ? 1 : 0
    const next = Object.entries(sets[(step + 1) % 2]!).map(([name, t]): [string, Tensor] => [`next.${name}`, t])
    const binding = session.bind({ ...scalars, ...sets[step % 2] }, Object.fromEntries(next))
    await binding.run()
    binding.release()
  }
  const end = sets[0]!
  const mean = (t: Tensor, power: number) =>
    [...(t.data as Uint8Array)].reduce((sum, x) => sum + x ** power, 0) / t.data.length
  const unit = (name: string) => (end[name]!.data as Float32Array)[0]!
  const expected = 0.999 ** 999
  expect(unit('firstScale.p') * mean(end['first.p']!, 1)).toBeCloseTo(expected, 1)
  expect(unit('secondScale.p') ** 2 * mean(end['second.p']!, 2)).toBeCloseTo(expected, 1)
  session.close()
})
