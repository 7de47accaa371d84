/** The default backend: one ONNX graph is the step; two sets of buffers take turns, so nothing is copied. */
import { createTensor } from '../../../runtime/tensor.ts'
import { type Backend, type BackendOptions, sharesOf, stepScalarsOf } from '../backend.ts'
import { ConfigError } from '../../../models/config.ts'
import { initialise } from '../initialise.ts'
import { checkMemory } from '../memory.ts'
import { Evaluation } from './evaluation.ts'
import { type Buffers, copy, drawNoise, expectNames, floats, frozenParams, load } from './feeds.ts'
import { openCompiled } from './opening.ts'
import { compileStep } from './step.ts'

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
  checkMemory(o, compiled.valueBytes)
  const graph = await openCompiled(compiled, o)
  const changing = compiled.outputs.filter((port) => port.name.startsWith('next.')).map((port) => port.name.slice(5))
  const shapes = new Map(compiled.inputs.map((port) => [port.name, port.shape.map(Number)]))
  const types = new Map(compiled.inputs.map((port) => [port.name, port.dtype]))
  const make = (): Buffers =>
    Object.fromEntries(changing.map((name) => [name, createTensor(types.get(name)!, shapes.get(name)!)]))
  const sets = [make(), make()] as const
  const frozen = frozenParams(o.model)
  const held = (turn: number): Buffers => ({ ...frozen, ...sets[turn] })
  for (const [path, data] of initialise(o.model.params, seed)) floats(held(0)[`param.${path}`]!).set(data)
  const fixed = Object.fromEntries(
    compiled.inputs
      .filter((p) => !changing.includes(p.name) && !Object.hasOwn(frozen, p.name))
      .map((p) => [p.name, createTensor(p.dtype, p.shape.map(Number))]),
  )
  const results = Object.fromEntries(['loss', 'weightSum', 'norm'].map((name) => [name, createTensor('float32', [])]))
  const bindings = [0, 1].map((turn) => {
    const after = Object.entries(sets[1 - turn]!).map(([name, t]) => [`next.${name}`, t] as const)
    const given = Object.entries({ ...fixed, ...held(turn) }).filter(([name]) => shapes.has(name))
    return graph.bind(Object.fromEntries(given), { ...results, ...Object.fromEntries(after) })
  })
  const scalar = (name: string, value: number): void => {
    if (fixed[name]) floats(fixed[name]).fill(value)
  }
  const carried = changing.filter((name) => name.startsWith('state.'))
  const totals = changing.filter((name) => name.startsWith('total.'))
  /** The carried state before the update, which its batches but the last write over. */
  let stateBefore: [name: string, values: Float32Array][] = []
  let turn = 0
  let evaluation: Evaluation | undefined

  return {
    description: `compiled step, ${compiled.nodes} nodes, ${o.device}, ${o.threads} threads`,
    unreached: compiled.unreached,
    async update(batches, lr, number) {
      const shares = sharesOf(batches, o)
      if (batches.length > 1) stateBefore = carried.map((name) => [name, floats(sets[turn]![name]!).slice()])
      for (const [name, value] of Object.entries(stepScalarsOf(lr, number, o.optimizer)))
        scalar(`scalar.${name}`, value)
      let loss = 0
      for (const [i, batch] of batches.entries()) {
        load(fixed, batch)
        scalar('share', shares[i]!)
        scalar('apply', i === batches.length - 1 ? 1 : 0)
        drawNoise(fixed, o.random)
        await bindings[turn]!.run()
        turn = 1 - turn
        loss += batches.length === 1 ? floats(results['loss']!)[0]! : shares[i]! * floats(results['loss']!)[0]!
      }
      return { loss, norm: floats(results['norm']!)[0]! }
    },
    undo() {
      turn = 1 - turn
      for (const [name, values] of stateBefore) floats(sets[turn]![name]!).set(values)
      for (const name of totals) floats(sets[turn]![name]!).fill(0)
    },
    async evaluate(batches) {
      evaluation ??= await Evaluation.open(o, [held(0), held(1)])
      return evaluation.run(turn, batches)
    },
    read: () =>
      new Map(
        Object.entries(held(turn))
          .filter(([name]) => !totals.includes(name))
          .map(([name, t]) => [name, createTensor(t.dtype, t.dims, t.data.slice() as never)]),
      ),
    write(state) {
      const now = held(turn)
      expectNames(
        Object.keys(now).filter((name) => !totals.includes(name)),
        state,
      )
      for (const [name, { data }] of state) copy(data, now[name]!)
    },
    close() {
      for (const binding of bindings) binding.release()
      evaluation?.close()
      graph.close()
    },
  }
}
