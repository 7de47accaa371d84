/** The update of parameters as a graph of its own, for gradients that several devices have computed. */
import { openGraph } from '../../../runtime/open-graph.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import type { BackendOptions, stepScalarsOf } from '../backend.ts'
import { initialise } from '../initialise.ts'
import { floats, frozenParams, type Buffers, zeros } from './feeds.ts'
import { compileUpdate } from './update.ts'

export interface Updater {
  /** Parameters and moments by name, frozen ones too: two sets that take turns. */
  readonly sets: readonly [Buffers, Buffers]
  /** Where it reads the gradients, by path. */
  readonly gradients: ReadonlyMap<string, Float32Array>
  /** From the set of that number into the other one; returns the norm of the gradients before clipping. */
  run(from: number, stepScalars: ReturnType<typeof stepScalarsOf>): Promise<number>
  close(): void
}

/** Opens the update on the CPU, with parameters drawn from `seed` in the first set. */
export async function openUpdater(o: BackendOptions, seed: number): Promise<Updater> {
  const compiled = compileUpdate(o.model, o)
  const graph = await openGraph(compiled.bytes, { threads: o.threads, elsewhere: true })
  const ports = (wanted: RegExp) => zeros(compiled.inputs.filter(({ name }) => wanted.test(name)))
  const frozen = frozenParams(o.model)
  const moving = [ports(/^(param|first|second)/), ports(/^(param|first|second)/)] as const
  const sets = [
    { ...frozen, ...moving[0] },
    { ...frozen, ...moving[1] },
  ] as const
  for (const [path, data] of initialise(o.model.params, seed)) floats(sets[0][`param.${path}`]!).set(data)
  const [gradients, stepScalars, norm] = [ports(/^grad\./), ports(/^scalar\./), createTensor('float32', [])]
  const bindings = moving.map((set, i) => {
    const after = Object.entries(moving[1 - i]!).map(([name, tensor]) => [`next.${name}`, tensor])
    return graph.bind({ ...gradients, ...stepScalars, ...set }, { norm, ...Object.fromEntries(after) })
  })
  return {
    sets,
    gradients: new Map(Object.entries(gradients).map(([name, t]) => [name.slice('grad.'.length), floats(t)])),
    async run(from, now) {
      for (const [name, value] of Object.entries(now)) stepScalars[`scalar.${name}`]?.data.fill(value as never)
      await bindings[from]!.run()
      return floats(norm)[0]!
    },
    close() {
      for (const binding of bindings) binding.release()
      graph.close()
    },
  }
}
