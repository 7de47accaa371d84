/**
 * The default backend: one ONNX graph is the step. Two sets of buffers on the device take turns, so what training changes
 * is not copied.
 */
import type { DeviceTensor } from '../../../runtime/memory.ts'
import { openGraph, openMemory } from '../../../runtime/open-graph.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { type Backend, type BackendOptions, deviceSettings, paceOf } from '../backend.ts'
import { ConfigError } from '../../../models/config.ts'
import { initialise } from '../initialise.ts'
import { Evaluation } from './evaluation.ts'
import { drawNoise, expectNames, floats, frozenParams, load } from './feeds.ts'
import { compileStep } from './step.ts'

/** What stays on the device between steps, by name. */
type Held = Record<string, DeviceTensor>

/** Throws ConfigError where the device has no faster matrix products than float32. */
export function checkPrecision({ precision, device }: Pick<BackendOptions, 'precision' | 'device'>): void {
  if (precision !== 'float32' && device !== 'cuda')
    throw new ConfigError(
      `precision: ${precision} needs --device cuda; on ${device} ONNX Runtime has no faster matrix products than float32`,
    )
}

/** Opens the compiled backend with parameters drawn from `seed`. */
export async function createCompiledBackend(o: BackendOptions, seed: number): Promise<Backend> {
  checkPrecision(o)
  const compiled = compileStep(o.model, o)
  const graph = await openGraph(compiled.bytes, deviceSettings(o))
  const changing = compiled.outputs.filter((port) => port.name.startsWith('next.')).map((port) => port.name.slice(5))
  const shapes = new Map(compiled.inputs.map((port) => [port.name, port.shape.map(Number)]))
  const types = new Map(compiled.inputs.map((port) => [port.name, port.dtype]))
  const memory = openMemory(deviceSettings(o))
  const make = (): Held =>
    Object.fromEntries(changing.map((name) => [name, memory.allocate(types.get(name)!, shapes.get(name)!)]))
  const sets = [make(), make()] as const
  const frozen: Held = Object.fromEntries(
    Object.entries(frozenParams(o.model)).map(([name, { dtype, dims }]) => [name, memory.allocate(dtype, dims)]),
  )
  const held = (turn: number): Held => ({ ...frozen, ...sets[turn] })
  for (const [path, data] of initialise(o.model.params, seed)) held(0)[`param.${path}`]!.write(data)
  const fixed = Object.fromEntries(
    compiled.inputs
      .filter((p) => !changing.includes(p.name) && !Object.hasOwn(frozen, p.name))
      .map((p) => [p.name, createTensor(p.dtype, p.shape.map(Number))]),
  )
  const results = Object.fromEntries(['loss', 'mass', 'norm'].map((name) => [name, createTensor('float32', [])]))
  const bindings = [0, 1].map((turn) => {
    const after = Object.entries(sets[1 - turn]!).map(([name, t]) => [`next.${name}`, t] as const)
    const given = Object.entries({ ...fixed, ...held(turn) }).filter(([name]) => shapes.has(name))
    return graph.bind(Object.fromEntries(given), { ...results, ...Object.fromEntries(after) })
  })
  const scalar = (name: string, value: number): void => {
    if (fixed[name]) floats(fixed[name]).fill(value)
  }
  let turn = 0
  let evaluation: Evaluation | undefined

  return {
    description: `compiled step, ${compiled.nodes} nodes, ${o.device}, ${o.threads} threads`,
    async step(batch, lr, update, apply) {
      load(fixed, batch)
      const pace = paceOf(lr, update, o.optimizer)
      for (const [name, value] of Object.entries(pace)) scalar(`pace.${name}`, value)
      scalar('apply', apply ? 1 : 0)
      drawNoise(fixed, o.random)
      await bindings[turn]!.run()
      turn = 1 - turn
      return { loss: floats(results['loss']!)[0]!, norm: floats(results['norm']!)[0]! }
    },
    undo() {
      turn = 1 - turn
    },
    async evaluate(batches) {
      evaluation ??= await Evaluation.open(o, [held(0), held(1)])
      return evaluation.run(turn, batches)
    },
    read: () => new Map(Object.entries(held(turn)).map(([name, tensor]) => [name, tensor.read()])),
    write(tensors) {
      const now = held(turn)
      expectNames(Object.keys(now), tensors)
      for (const [name, { data }] of tensors) now[name]!.write(data)
    },
    close() {
      for (const binding of bindings) binding.release()
      evaluation?.close()
      memory.close()
      graph.close()
    },
  }
}
