/** The first layers of a bundle's decoder and their exit, as a graph: they draft the tokens that the whole decoder verifies. */
import type { Bundle, StateEntry } from '../../runtime/bundle.ts'
import type { Binding, Graph } from '../../runtime/graph.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import type { CallBuffers } from './call-buffers.ts'
import type { StateBank } from './state-bank.ts'

/** What is known of an exit before anybody asked for it. */
export interface ExitInfo {
  /** Layers before the exit. */
  readonly after: number
  /** The share of tokens of which the exit says what the last layer says, as the exporter counted it. */
  readonly agreement: number
}

export interface EarlyStage extends ExitInfo {
  readonly graph: Graph
  /** The state of its layers. */
  readonly state: readonly StateEntry[]
}

/** The early stage of a bundle that was exported with an exit, over its opened graph. */
export function earlyStage({ manifest }: Bundle, graph: Graph): EarlyStage {
  const { after, agreement, state: names } = manifest.early!
  return { after, agreement, graph, state: manifest.state.filter(({ name }) => names.includes(name)) }
}

/**
 * Memory in which the early stage runs ahead of one sequence. It reads the sequence's state and leaves it as it is: fixed
 * entries of the tokens ahead are in two sets of their own, which take turns. Keys and values are written behind those of the
 * sequence, where the call that verifies the draft writes them again.
 */
export class ExitMemory {
  readonly #stage: EarlyStage
  readonly #buffers: CallBuffers
  readonly #logits: Tensor<'float32'>
  readonly #ahead: readonly [Record<string, Tensor>, Record<string, Tensor>]
  readonly #bound = new Map<string, Binding>()

  constructor(stage: EarlyStage, buffers: CallBuffers, vocab: number) {
    this.#stage = stage
    this.#buffers = buffers
    this.#logits = createTensor('float32', [1, 1, vocab])
    const fixed = stage.state.filter(({ kind }) => kind === 'fixed')
    const make = (): Record<string, Tensor> =>
      Object.fromEntries(
        fixed.map(({ name, dtype, shape }) => [name, createTensor(dtype, [1, ...shape.slice(1).map(Number)])]),
      )
    this.#ahead = [make(), make()]
  }

  /**
   * Feeds ids to the stage, behind `position` tokens, of which calls 0 to `call` - 1 were made since the sequence's own state;
   * returns the logits of the exit after the last id, valid until the next call.
   */
  async run(bank: StateBank, ids: readonly number[], position: number, call: number): Promise<Float32Array> {
    const fed = this.#buffers.fill(ids, position)
    const key = `${bank.current}/${ids.length}/${call === 0 ? 'first' : call % 2}`
    const binding = this.#bound.get(key) ?? this.#bind(bank, fed, call)
    this.#bound.set(key, binding)
    await binding.run()
    return this.#logits.data
  }

  /** Forgets the memory of the sequence: it has other memory now. */
  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
  }

  #bind(bank: StateBank, ids: Tensor, call: number): Binding {
    const { graph, state } = this.#stage
    const own = bank.bind(1)
    const given = new Set(graph.inputs.map(({ name }) => name))
    const [before, after] = [this.#ahead[(call + 1) % 2]!, this.#ahead[call % 2]!]
    const inputs = state.flatMap(({ name, input }) =>
      given.has(input) ? [[input, (call > 0 ? before[name] : undefined) ?? own.inputs[input]!] as const] : [],
    )
    const outputs = state.map(({ name, output }) => [output, after[name] ?? own.outputs[output]!] as const)
    return graph.bind(
      {
        ids,
        logits_from: LAST,
        ...(given.has('positions') ? { positions: view(this.#buffers.position, [1]) } : {}),
        ...Object.fromEntries(inputs),
      },
      { logits: this.#logits, ...Object.fromEntries(outputs) },
    )
  }
}

const LAST = createTensor('int64', [], [-1n])
