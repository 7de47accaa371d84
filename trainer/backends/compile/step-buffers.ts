/** The memory of a compiled step: two sets of what training changes, which take turns, its other inputs, its results. */
import type { Model } from '../../../models/architecture.ts'
import type { BoundTensor } from '../../../runtime/graph.ts'
import { type DeviceMemory, type DeviceTensor, hostMemory } from '../../../runtime/memory.ts'
import type { CompiledGraph } from './compiled-graph.ts'
import { floats, frozenParams, type Set, zeros } from './feeds.ts'

/** What stays on the device between steps, by name. */
export type Held = Readonly<Record<string, DeviceTensor>>

export class StepBuffers {
  /** Batch, rates and noise, to be filled before a step. */
  readonly inputs: Set
  readonly #sets: readonly [Held, Held]
  readonly #frozen: Held
  /** Where the graph reads the inputs: a copy on the device, or the very memory of `inputs`. */
  readonly #sent: Held | null
  readonly #results: Held
  readonly #names: readonly string[]

  /** `recorded`: the graph is replayed as it was recorded, so whatever it reads and writes has to stay on the device. */
  constructor(compiled: CompiledGraph, model: Model, memory: DeviceMemory, recorded: boolean) {
    const changing = new globalThis.Set(compiled.outputs.map(({ name }) => name.replace(/^next\./, '')))
    const allocate = (like: Readonly<Record<string, Pick<BoundTensor, 'dtype' | 'dims'>>>, where = memory): Held =>
      Object.fromEntries(Object.entries(like).map(([name, t]) => [name, where.allocate(t.dtype, t.dims)]))
    const moving = Object.fromEntries(
      compiled.inputs
        .filter(({ name }) => changing.has(name))
        .map(({ name, dtype, shape }) => [name, { dtype, dims: shape.map(Number) }]),
    )
    this.#sets = [allocate(moving), allocate(moving)]
    this.#frozen = allocate(frozenParams(model))
    this.inputs = zeros(compiled.inputs.filter(({ name }) => !changing.has(name) && !Object.hasOwn(this.#frozen, name)))
    this.#sent = recorded ? allocate(this.inputs) : null
    const scalar = { dtype: 'float32', dims: [] } as const
    this.#results = allocate({ loss: scalar, mass: scalar, norm: scalar }, recorded ? memory : hostMemory)
    this.#names = compiled.inputs.map(({ name }) => name)
  }

  /** The current values before the step of that turn, by name; those after it are the other turn's. */
  held(turn: number): Held {
    return { ...this.#frozen, ...this.#sets[turn] }
  }

  /** What a graph reads and writes in a step of that turn. */
  bound(turn: number): readonly [inputs: Record<string, BoundTensor>, outputs: Record<string, BoundTensor>] {
    const all: Record<string, BoundTensor> = { ...(this.#sent ?? this.inputs), ...this.held(turn) }
    const after = Object.entries(this.#sets[1 - turn]!).map(([name, tensor]) => [`next.${name}`, tensor] as const)
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
