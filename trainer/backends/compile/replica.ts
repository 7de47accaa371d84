/** One device's share of a data parallel step: its rows of the batch, its own state, the gradients of its own loss. */
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import { type BackendOptions, stepOptions } from '../backend.ts'
import type { Batch } from '../../data/batch.ts'
import { drawNoise, floats, load, type Buffers, zeros } from './feeds.ts'
import { openCompiled } from './opening.ts'
import { compileGradients } from './step.ts'

export interface Replica {
  /** Parameters that no gradient reaches. */
  readonly unreached: readonly string[]
  /** Loss and gradients of the rows, with the parameters of one of the two sets; the state goes on. */
  run(params: number, batch: Batch): Promise<void>
  readonly loss: () => number
  /** By path. */
  readonly gradients: ReadonlyMap<string, Float32Array>
  /** The current state, state.* by name. */
  readonly state: () => Buffers
  close(): void
}

/** Opens the share of one device, whose rows are all of `o`; `params` are the two sets of parameters that take turns, and the frozen ones. */
export async function openReplica(o: BackendOptions, params: readonly [Buffers, Buffers]): Promise<Replica> {
  const compiled = compileGradients(o.model, stepOptions(o))
  const graph = await openCompiled(compiled, o)
  const named = (start: string) => compiled.inputs.filter(({ name }) => name.startsWith(start))
  const inputs = zeros(compiled.inputs.filter(({ name }) => !/^(param|state)\./.test(name)))
  const states = [zeros(named('state.')), zeros(named('state.'))] as const
  const results: Buffers = Object.fromEntries(
    compiled.outputs
      .filter(({ name }) => !name.startsWith('next.'))
      .map(({ name, shape }) => [name, createTensor('float32', shape.map(Number))]),
  )
  const bindings = params.map((set) =>
    states.map((state, turn) => {
      const after = Object.entries(states[1 - turn]!).map(([name, tensor]): [string, Tensor] => [
        `next.${name}`,
        tensor,
      ])
      const weights = Object.fromEntries(named('param.').map(({ name }) => [name, set[name]!]))
      return graph.bind({ ...inputs, ...weights, ...state }, { ...results, ...Object.fromEntries(after) })
    }),
  )
  let turn = 0
  return {
    unreached: compiled.unreached,
    async run(set, batch) {
      load(inputs, batch)
      drawNoise(inputs, o.random)
      await bindings[set]![turn]!.runElsewhere()
      turn = 1 - turn
    },
    loss: () => floats(results['loss']!)[0]!,
    gradients: new Map(
      Object.entries(results).flatMap(([name, tensor]) =>
        name.startsWith('grad.') ? [[name.slice('grad.'.length), floats(tensor)] as const] : [],
      ),
    ),
    state: () => states[turn]!,
    close() {
      for (const binding of bindings.flat()) binding.release()
      graph.close()
    },
  }
}
