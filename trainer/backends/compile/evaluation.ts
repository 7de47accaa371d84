/** Held-out loss by the compiled graph. */
import type { Binding, BoundTensor, Graph } from '../../../runtime/graph.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import { type BackendOptions, checkLabels, deviceSettings, stepOptions } from '../backend.ts'
import type { Batch } from '../../data/batch.ts'
import type { CompiledGraph } from './compiled-graph.ts'
import { floats, load, type Buffers, zeros } from './feeds.ts'
import { compileLoss } from './step.ts'

/** Parameters by name, wherever they are. */
type Bound = Readonly<Record<string, BoundTensor>>

/** The loss on held-out text, with state of its own that starts at zero. */
export class Evaluation {
  readonly #graph: Graph
  readonly #o: BackendOptions
  readonly #inputs: Buffers
  readonly #loss: Tensor
  readonly #weightSum: Tensor
  readonly #states: readonly [Buffers, Buffers]
  readonly #bindings: Binding[][]

  private constructor(o: BackendOptions, graph: Graph, compiled: CompiledGraph, params: readonly Bound[]) {
    this.#o = o
    this.#graph = graph
    const named = (prefix: string) => compiled.inputs.filter((port) => port.name.startsWith(prefix))
    this.#inputs = zeros(compiled.inputs.filter((p) => !/^(param|state)\./.test(p.name)))
    this.#loss = createTensor('float32', [])
    this.#weightSum = createTensor('float32', [])
    this.#states = [zeros(named('state.')), zeros(named('state.'))]
    this.#bindings = params.map((set) =>
      [0, 1].map((turn) => {
        const weights = Object.fromEntries(named('param.').map((p) => [p.name, set[p.name]!]))
        const after = Object.entries(this.#states[1 - turn]!).map(([name, t]) => [`next.${name}`, t] as const)
        const inputs = { ...this.#inputs, ...weights, ...this.#states[turn] }
        return graph.bind(inputs, { loss: this.#loss, weightSum: this.#weightSum, ...Object.fromEntries(after) })
      }),
    )
  }

  static async open(o: BackendOptions, params: readonly Bound[]): Promise<Evaluation> {
    const compiled = compileLoss(o.model, stepOptions(o))
    const graph = await openGraph(compiled.bytes, deviceSettings(o))
    return new Evaluation(o, graph, compiled, params)
  }

  /** Mean over all weighted tokens. */
  async run(params: number, batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number> {
    let [sum, weightSum, turn] = [0, 0, 0]
    for await (const batch of batches) {
      checkLabels(batch, this.#o)
      load(this.#inputs, batch)
      await this.#bindings[params]![turn]!.run()
      turn = 1 - turn
      const weight = floats(this.#weightSum)[0]!
      sum += floats(this.#loss)[0]! * weight
      weightSum += weight
    }
    return sum / weightSum
  }

  close(): void {
    for (const binding of this.#bindings.flat()) binding.release()
    this.#graph.close()
  }
}
