/** A bundle's decoder graph as the runner calls it: ids and state in, logits and the next state out. */
import { tokenizerOf, type Bundle, type StateEntry } from '../../runtime/bundle.ts'
import type { Binding, Graph } from '../../runtime/graph.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import { capacityFor } from './capacity.ts'
import { type EarlyStage, earlyStage } from './early-stage.ts'
import type { StateBank } from './state-bank.ts'

export interface DecoderModel {
  readonly vocab: number
  readonly state: readonly StateEntry[]
  /** Positions to set aside for a sequence of so many tokens: none where no state entry grows. */
  capacityFor(tokens: number): number
  /**
   * Binds a call over the first `ids.dims[0]` rows of `bank`. `positions` holds the tokens that each row has been fed.
   * Logits are computed of the last id only where `logits` has one row and the graph can leave out the others.
   */
  bind(bank: StateBank, ids: Tensor, positions: Tensor, logits: Tensor): Binding
  /** Whether logits of the last id alone can be had from a call with several ids. */
  readonly selectable: boolean
  /** Its first layers with an exit, where the bundle has them and they were opened. */
  readonly early: EarlyStage | null
  close(): void
}

/** Throws where the graph has fewer logits than the tokenizer has tokens, or is not over the state of the manifest. */
export function createDecoderModel(bundle: Bundle, graph: Graph, early?: Graph): DecoderModel {
  const { state } = bundle.manifest
  const tokenizer = tokenizerOf(bundle.manifest)
  const vocab = Number(graph.outputs.find(({ name }) => name === 'logits')?.shape.at(-1) ?? NaN)
  // More columns than tokens are padding; fewer are another model's.
  if (!(vocab >= tokenizer.vocab))
    throw new Error(`${bundle.dir}: logits: expected at least ${tokenizer.vocab} columns, got ${vocab}`)
  checkState(bundle, graph)
  const selectable = graph.inputs.some(({ name }) => name === 'logits_from')
  const positioned = graph.inputs.some(({ name }) => name === 'positions')
  const grows = state.some(({ kind }) => kind === 'append')
  return {
    vocab,
    state,
    selectable,
    capacityFor: (tokens) => (grows ? capacityFor(tokens) : 0),
    bind(bank, ids, positions, logits) {
      const rows = ids.dims[0] as number
      const { inputs, outputs } = bank.bind(rows)
      const lastOnly = logits.dims[1] === 1 && ids.dims[1] !== 1
      const from = selectable ? { logits_from: lastOnly ? FROM_LAST : FROM_FIRST } : {}
      const fed = positioned ? { positions: view(positions, [rows]) } : {}
      return graph.bind({ ids, ...inputs, ...from, ...fed }, { logits, ...outputs })
    },
    early: early ? earlyStage(bundle, early) : null,
    close() {
      graph.close()
      early?.close()
    },
  }
}

const FROM_FIRST = createTensor('int64', [], [0n])
const FROM_LAST = createTensor('int64', [], [-1n])

/** The graph that was opened has to have the state that the manifest says it has; the file decides, not its description. */
function checkState({ dir, manifest }: Bundle, graph: Graph): void {
  for (const { input, output, dtype, shape } of manifest.state) {
    for (const [name, infos] of [
      [input, graph.inputs],
      [output, graph.outputs],
    ] as const) {
      const found = infos.find((info) => info.name === name)
      const expected = `${dtype} [${shape.slice(1).join(', ')}]`
      const got = found ? `${found.dtype} [${found.shape.slice(1).join(', ')}]` : 'no such value'
      const same =
        found?.dtype === dtype &&
        found.shape.length === shape.length &&
        found.shape.slice(1).every((size, axis) => typeof size === 'string' || size === shape[axis + 1])
      if (!same) throw new Error(`${dir}: decoder: ${name}: expected ${expected} as in the manifest, got ${got}`)
    }
  }
}
