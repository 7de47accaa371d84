/** An objective with its parameters: moved by one compiled step, asked by another graph, saved and restored to the bit. */
import { flatten } from '../../../models/spec.ts'
import type { Binding, Graph } from '../../../runtime/graph.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import type { Feed, Objective } from '../../objective.ts'
import type { Random } from '../../random.ts'
import { stepScalarsOf, type TrainingState } from '../backend.ts'
import { initialise } from '../initialise.ts'
import type { CompiledGraph } from './compiled-graph.ts'
import { type Buffers, copy, drawNoise, expectNames, floats, frozenParams, zeros } from './feeds.ts'
import { compileObjectiveStep, compileTold } from './objective-graph.ts'
import type { AdamW } from './optimizer.ts'

export interface LearnerOptions {
  readonly optimizer: AdamW
  readonly seed: number
  readonly threads: number
  /** Fills the dropout masks. */
  readonly random: Random
}

export interface Told {
  readonly objective: number
  /** By name, without the prefix told. */
  readonly told: Readonly<Record<string, Float32Array>>
}

export interface Learner {
  /** One move of the parameters; `number` counts them from 1. */
  update(feed: Feed, lr: number, number: number): Promise<Told & { readonly norm: number }>
  /** The same without dropout and without moving. */
  ask(feed: Feed): Promise<Told>
  /** Puts the values of one parameter, by path. */
  put(path: string, data: Float32Array): void
  /** A copy of param.*, first.* and second.*; frozen parameters are not among them. */
  read(): TrainingState
  write(state: TrainingState): void
  close(): void
}

/** A graph with memory for its inputs and results, bound to each of two sets of parameters. */
interface Bound {
  readonly inputs: Buffers
  readonly results: Buffers
  run(turn: number): Promise<void>
  close(): void
}

const isMoving = (name: string): boolean => /^(param|first|second)\./.test(name)

/** Opens it with parameters drawn from the seed. Frozen parameters are to be put. */
export async function openLearner(objective: Objective, o: LearnerOptions): Promise<Learner> {
  const compiled = compileObjectiveStep(objective, o.optimizer)
  const frozen = frozenParams(objective)
  const own = compiled.inputs.filter(({ name }) => isMoving(name) && !Object.hasOwn(frozen, name))
  const sets = [zeros(own), zeros(own)] as const
  for (const [path, data] of initialise(objective.params, o.seed)) {
    const tensor = sets[0][`param.${path}`] ?? frozen[`param.${path}`]
    if (tensor) floats(tensor).set(data)
  }
  const step = await bind(compiled, [sets[0], sets[1]], frozen, true, o.threads)
  const plain = await bind(compileTold(objective), [sets[0], sets[1]], frozen, false, o.threads)
  const paths = new Set(flatten(objective.params).map(([path]) => path))
  let turn = 0

  const fed = (to: Buffers, feed: Feed): void => {
    for (const name of Object.keys(objective.inputs)) (to[name]?.data as Float32Array | undefined)?.set(feed[name]!)
  }
  return {
    async update(feed, lr, number) {
      fed(step.inputs, feed)
      for (const [name, value] of Object.entries(stepScalarsOf(lr, number, o.optimizer)))
        step.inputs[`scalar.${name}`]?.data.fill(value as never)
      drawNoise(step.inputs, o.random)
      await step.run(turn)
      turn = 1 - turn
      return { ...told(step.results), norm: floats(step.results['norm']!)[0]! }
    },
    async ask(feed) {
      fed(plain.inputs, feed)
      await plain.run(turn)
      return told(plain.results)
    },
    put(path, data) {
      if (!paths.has(path)) throw new Error(`${objective.name}: expected a parameter, got ${path}`)
      const tensor = sets[turn]![`param.${path}`] ?? frozen[`param.${path}`]
      if (tensor) copy(data, tensor)
    },
    read: () =>
      new Map(
        Object.entries(sets[turn]!).map(([name, { dtype, dims, data }]) => {
          const kept = createTensor(dtype, dims)
          copy(data, kept)
          return [name, kept]
        }),
      ),
    write(state) {
      expectNames(Object.keys(sets[turn]!), state)
      for (const [name, { data }] of state) copy(data, sets[turn]![name]!)
    },
    close() {
      step.close()
      plain.close()
    },
  }
}

async function bind(
  compiled: CompiledGraph,
  sets: readonly [Buffers, Buffers],
  frozen: Buffers,
  moves: boolean,
  threads: number,
): Promise<Bound> {
  const graph: Graph = await openGraph(compiled.bytes, { threads, elsewhere: true })
  const inputs = zeros(compiled.inputs.filter(({ name }) => !isMoving(name)))
  const results = zeros(compiled.outputs.filter(({ name }) => !name.startsWith('next.')))
  const read = compiled.inputs.filter(({ name }) => isMoving(name)).map(({ name }) => name)
  const bindings: Binding[] = [0, 1].map((turn) => {
    const held = Object.fromEntries(read.map((name) => [name, sets[turn]![name] ?? frozen[name]!]))
    const next = Object.entries(sets[1 - turn]!).map(([name, tensor]) => [`next.${name}`, tensor] as const)
    return graph.bind({ ...inputs, ...held }, { ...results, ...(moves ? Object.fromEntries(next) : {}) })
  })
  return {
    inputs,
    results,
    run: async (turn) => bindings[turn]!.run(),
    close() {
      for (const binding of bindings) binding.release()
      graph.close()
    },
  }
}

function told(results: Buffers): Told {
  const found = Object.entries(results).flatMap(([name, tensor]) =>
    name.startsWith('told.') ? [[name.slice('told.'.length), Float32Array.from(floats(tensor))] as const] : [],
  )
  return { objective: floats(results['objective']!)[0]!, told: Object.fromEntries(found) }
}
