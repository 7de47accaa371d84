/** The default backend: one ONNX graph is the step; two sets of buffers take turns, so nothing is copied. */
import type { Port } from '../../exporter/onnx/graph.ts'
import { type Binding, type Graph, openGraph } from '../../runtime/graph.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { type Backend, type BackendOptions, paceOf, type Tensors } from '../backend.ts'
import { type Batch, DataError } from '../data/batch.ts'
import { ConfigError } from '../../models/config.ts'
import { flatten } from '../../models/spec.ts'
import { initialise } from '../initialise.ts'
import { type CompiledGraph, compileLoss, compileStep } from './step.ts'

type Set = Record<string, Tensor>

/** Opens the compiled backend with parameters drawn from `seed`. */
export async function createCompiledBackend(o: BackendOptions, seed: number): Promise<Backend> {
  if (o.precision !== 'float32' && o.device !== 'cuda')
    throw new ConfigError(
      `precision: ${o.precision} needs --device cuda; on ${o.device} ONNX Runtime has no faster matrix products than float32`,
    )
  const compiled = compileStep(o.model, o)
  const graph = await openGraph(compiled.bytes, { threads: o.threads, device: o.device })
  const changing = compiled.outputs.filter((port) => port.name.startsWith('next.')).map((port) => port.name.slice(5))
  const shapes = new Map(compiled.inputs.map((port) => [port.name, port.shape.map(Number)]))
  const types = new Map(compiled.inputs.map((port) => [port.name, port.dtype]))
  const make = (): Set =>
    Object.fromEntries(changing.map((name) => [name, createTensor(types.get(name)!, shapes.get(name)!)]))
  const sets = [make(), make()] as const
  const frozen: Set = Object.fromEntries(
    flatten(o.model.params).flatMap(([path, spec]) =>
      spec.frozen ? [[`param.${path}`, createTensor('float32', spec.shape.map(Number))]] : [],
    ),
  )
  const held = (turn: number): Set => ({ ...frozen, ...sets[turn] })
  for (const [path, data] of initialise(o.model.params, seed)) floats(held(0)[`param.${path}`]!).set(data)
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
      for (const [name, tensor] of Object.entries(fixed))
        if (name.startsWith('noise.')) floats(tensor).forEach((_, i, all) => (all[i] = o.random.uniform()))
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
    read: () =>
      new Map(
        Object.entries(held(turn)).map(([name, t]) => [name, createTensor(t.dtype, t.dims, t.data.slice() as never)]),
      ),
    write(tensors) {
      const now = held(turn)
      expectNames(Object.keys(now), tensors)
      for (const [name, { data }] of tensors) copy(data, now[name]!)
    },
    close() {
      for (const binding of bindings) binding.release()
      evaluation?.close()
      graph.close()
    },
  }
}

/** The loss on held-out text, with state of its own that starts at zero. */
class Evaluation {
  readonly #graph: Graph
  readonly #inputs: Set
  readonly #loss: Tensor
  readonly #mass: Tensor
  readonly #states: readonly [Set, Set]
  readonly #bindings: Binding[][]

  private constructor(graph: Graph, compiled: CompiledGraph, params: readonly Set[]) {
    this.#graph = graph
    const named = (prefix: string) => compiled.inputs.filter((port) => port.name.startsWith(prefix))
    this.#inputs = zeros(compiled.inputs.filter((p) => !/^(param|state)\./.test(p.name)))
    this.#loss = createTensor('float32', [])
    this.#mass = createTensor('float32', [])
    this.#states = [zeros(named('state.')), zeros(named('state.'))]
    this.#bindings = params.map((set) =>
      [0, 1].map((turn) => {
        const weights = Object.fromEntries(named('param.').map((p) => [p.name, set[p.name]!]))
        const after = Object.entries(this.#states[1 - turn]!).map(([name, t]) => [`next.${name}`, t] as const)
        const inputs = { ...this.#inputs, ...weights, ...this.#states[turn] }
        return graph.bind(inputs, { loss: this.#loss, mass: this.#mass, ...Object.fromEntries(after) })
      }),
    )
  }

  static async open(o: BackendOptions, params: readonly Set[]): Promise<Evaluation> {
    const compiled = compileLoss(o.model, o)
    const graph = await openGraph(compiled.bytes, { threads: o.threads, device: o.device })
    return new Evaluation(graph, compiled, params)
  }

  /** Mean over all weighted tokens. */
  async run(params: number, batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number> {
    let [sum, mass, turn] = [0, 0, 0]
    for await (const batch of batches) {
      load(this.#inputs, batch)
      await this.#bindings[params]![turn]!.run()
      turn = 1 - turn
      const weight = floats(this.#mass)[0]!
      sum += floats(this.#loss)[0]! * weight
      mass += weight
    }
    return sum / mass
  }

  close(): void {
    for (const binding of this.#bindings.flat()) binding.release()
    this.#graph.close()
  }
}

const zeros = (ports: readonly Port[]): Set =>
  Object.fromEntries(ports.map((p) => [p.name, createTensor(p.dtype, p.shape.map(Number))]))

const floats = (tensor: Tensor): Float32Array => tensor.data as Float32Array

function load(inputs: Set, batch: Batch): void {
  ;(inputs['ids']!.data as Int32Array).set(batch.ids)
  if (inputs['labels']) loadLabels(inputs, batch)
  else {
    ;(inputs['targets']!.data as Int32Array).set(batch.targets)
    floats(inputs['weights']!).set(batch.weights)
  }
  if (inputs['carry']) floats(inputs['carry']).set(batch.carry)
}

/** The weighted tokens alone; what is left of the places has no weight. */
function loadLabels(inputs: Set, batch: Batch): void {
  const places = inputs['labels']!.data as Int32Array
  const targets = inputs['targets']!.data as Int32Array
  const weights = floats(inputs['weights']!)
  let count = 0
  for (const [place, weight] of batch.weights.entries()) {
    if (weight === 0) continue
    if (count === places.length)
      throw new DataError(`labels: expected at most ${places.length} weighted tokens in a batch, got more`)
    places[count] = place
    targets[count] = batch.targets[place]!
    weights[count++] = weight
  }
  weights.fill(0, count)
}

function copy(from: Tensor['data'], to: Tensor): void {
  ;(to.data as Float32Array).set(from as Float32Array)
}

function expectNames(expected: readonly string[], given: Tensors): void {
  const missing = expected.filter((name) => !given.has(name))
  const extra = [...given.keys()].filter((name) => !expected.includes(name))
  if (missing.length > 0 || extra.length > 0)
    throw new Error(`training state: missing [${missing.join(', ')}], unexpected [${extra.join(', ')}]`)
}
