/** The memory of a compiled step: two sets of what training changes, which take turns, its other inputs, its results. */
import type { Model } from '../../../models/architecture.ts'
import { publishedPaths } from '../../../models/spec.ts'
import type { BoundTensor } from '../../../runtime/graph.ts'
import { type DeviceMemory, type DeviceTensor, hostMemory } from '../../../runtime/memory.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import type { CompiledGraph } from './compiled-graph.ts'
import { type Buffers, floats, frozenParams, zeros } from './feeds.ts'

/** What stays on the device between steps, by name. */
export type Held = Readonly<Record<string, DeviceTensor>>

export class StepBuffers {
  /** Batch, step scalars and noise, to be filled before a step. */
  readonly inputs: Buffers
  readonly #sets: readonly [Held, Held]
  /** Gradients that wait for the last batch of an update: they take turns too, and are no training state. */
  readonly #totals: readonly [Held, Held]
  readonly #frozen: Held
  readonly #published: ReadonlySet<string>
  /** Where the graph reads the inputs: a copy on the device, or the very memory of `inputs`. */
  readonly #sent: Held | null
  readonly #results: Held
  readonly #names: readonly string[]

  /** `recorded`: the graph is replayed as it was recorded, so whatever it reads and writes has to stay on the device. */
  constructor(compiled: CompiledGraph, model: Model, memory: DeviceMemory, recorded: boolean) {
    const changing = new Set(compiled.outputs.map(({ name }) => name.replace(/^next\./, '')))
    const allocate = (like: Readonly<Record<string, Pick<BoundTensor, 'dtype' | 'dims'>>>, where = memory): Held =>
      Object.fromEntries(Object.entries(like).map(([name, t]) => [name, where.allocate(t.dtype, t.dims)]))
    const moving = (totals: boolean) =>
      Object.fromEntries(
        compiled.inputs
          .filter(({ name }) => changing.has(name) && name.startsWith('total.') === totals)
          .map(({ name, dtype, shape }) => [name, { dtype, dims: shape.map(Number) }]),
      )
    this.#sets = [allocate(moving(false)), allocate(moving(false))]
    this.#totals = [allocate(moving(true)), allocate(moving(true))]
    this.#frozen = allocate(frozenParams(model))
    this.#published = new Set([...publishedPaths(model.params)].map((path) => `param.${path}`))
    this.inputs = zeros(compiled.inputs.filter(({ name }) => !changing.has(name) && !Object.hasOwn(this.#frozen, name)))
    this.#sent = recorded ? allocate(this.inputs) : null
    const scalar = { dtype: 'float32', dims: [] } as const
    this.#results = allocate({ loss: scalar, weightSum: scalar, norm: scalar }, recorded ? memory : hostMemory)
    this.#names = compiled.inputs.map(({ name }) => name)
  }

  /** The training state before the step of that turn, by name; the one after it is the other turn's. */
  held(turn: number): Held {
    return { ...this.#frozen, ...this.#sets[turn] }
  }

  /** The same without the parameters whose values stay in the files of a published model. */
  saved(turn: number): Held {
    return Object.fromEntries(Object.entries(this.held(turn)).filter(([name]) => !this.#published.has(name)))
  }

  /** The session state that rows carry, state.* of `held`. */
  carried(turn: number): Held {
    return Object.fromEntries(Object.entries(this.#sets[turn]!).filter(([name]) => name.startsWith('state.')))
  }

  /** Sets the running totals of gradients to zero. */
  clearTotals(turn: number): void {
    for (const total of Object.values(this.#totals[turn]!)) total.write(createTensor(total.dtype, total.dims).data)
  }

  /** What a graph reads and writes in a step of that turn. */
  bound(turn: number): readonly [inputs: Record<string, BoundTensor>, outputs: Record<string, BoundTensor>] {
    const all: Record<string, BoundTensor> = {
      ...(this.#sent ?? this.inputs),
      ...this.held(turn),
      ...this.#totals[turn],
    }
    const next = Object.entries({ ...this.#sets[1 - turn], ...this.#totals[1 - turn] })
    const after = next.map(([name, tensor]) => [`next.${name}`, tensor] as const)
    const read = this.#names.map((name) => [name, all[name]!] as const)
    return [Object.fromEntries(read), { ...this.#results, ...Object.fromEntries(after) }]
  }

  /** Brings the inputs to where the graph reads them. */
  send(): void {
    for (const [name, tensor] of Object.entries(this.#sent ?? {})) tensor.write(this.inputs[name]!.data)
  }

  result(name: 'loss' | 'norm'): number {
    return floats(this.#results[name]!.read())[0]!
  }
}
