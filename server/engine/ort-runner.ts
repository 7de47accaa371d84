/** A Runner over a bundle's decoder graph, with its memory bound once per shape. */
import type { Bundle } from '../../runtime/bundle.ts'
import type { Binding, Graph } from '../../runtime/graph.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import { CHUNK, type Lane, type Runner } from './runner.ts'
import { StateBank } from './state-bank.ts'

/** Returns a runner of at most `rows` rows; it closes `graph` with itself. */
export function createOrtRunner(bundle: Bundle, graph: Graph, rows: number): Runner {
  const model = describeModel(bundle, graph)
  const bank = new StateBank(bundle.manifest.state, rows)
  const ids = createTensor('int32', [rows, 1])
  const logits = createTensor('float32', [rows, 1, model.vocab])
  const bound = new Map<string, Binding>()
  return {
    vocab: model.vocab,
    stateBytes: bank.rowBytes,
    rows,
    lane: () => createLane(model, bundle),
    load: (row, state) => bank.load(row, state),
    save: (row) => bank.save(row),
    move: (from, to) => bank.load(to, bank.save(from)),
    async decode(next) {
      const count = next.length
      ids.data.set(next)
      const binding = getOrMake(bound, `${count}/${bank.current}`, () =>
        bind(model, bank, view(ids, [count, 1]), view(logits, [count, 1, model.vocab])),
      )
      await binding.run()
      bank.swap()
      return logits.data.subarray(0, count * model.vocab)
    },
    close() {
      for (const binding of bound.values()) binding.release()
      graph.close()
    },
  }
}

interface Model {
  readonly graph: Graph
  readonly vocab: number
  /** The graph can leave out the logits of tokens that nobody samples from. */
  readonly selectable: boolean
}

function describeModel(bundle: Bundle, graph: Graph): Model {
  const vocab = Number(graph.outputs.find(({ name }) => name === 'logits')?.shape.at(-1) ?? NaN)
  // More columns than tokens are padding; fewer are another model's.
  if (!(vocab >= bundle.manifest.tokenizer.vocab)) {
    throw new Error(`${bundle.dir}: logits: expected at least ${bundle.manifest.tokenizer.vocab} columns, got ${vocab}`)
  }
  return { graph, vocab, selectable: graph.inputs.some(({ name }) => name === 'logits_from') }
}

/** A lane keeps the bindings of whole chunks, which most calls are; a prompt's shorter last chunk binds for one call. */
function createLane(model: Model, bundle: Bundle): Lane {
  const { vocab, selectable } = model
  const bank = new StateBank(bundle.manifest.state, 1)
  const bound = new Map<string, Binding>()
  const ids = createTensor('int32', [1, CHUNK])
  const last = createTensor('float32', [1, 1, vocab])
  let all: Tensor | null = null
  return {
    load: (state) => bank.load(0, state),
    save: () => bank.save(0),
    async run(chunk, wanted) {
      const whole = wanted === 'all' || !selectable
      if (whole) all ??= createTensor('float32', [1, CHUNK, vocab])
      const logits = whole ? view(all as Tensor, [1, chunk.length, vocab]) : last
      ids.data.set(chunk)
      const make = (): Binding => bind(model, bank, view(ids, [1, chunk.length]), logits)
      const cached = chunk.length === CHUNK
      const binding = cached ? getOrMake(bound, `${whole}/${bank.current}`, make) : make()
      try {
        await binding.run()
      } finally {
        if (!cached) binding.release()
      }
      bank.swap()
      const result = logits.data as Float32Array
      return wanted === 'all' ? result : result.subarray(-vocab)
    },
  }
}

const FROM_FIRST = createTensor('int64', [], [0n])
const FROM_LAST = createTensor('int64', [], [-1n])

function bind(model: Model, bank: StateBank, ids: Tensor, logits: Tensor): Binding {
  const { inputs, outputs } = bank.bind(ids.dims[0] as number)
  const lastOnly = logits.dims[1] === 1 && ids.dims[1] !== 1
  const from = model.selectable ? { logits_from: lastOnly ? FROM_LAST : FROM_FIRST } : {}
  return model.graph.bind({ ids, ...inputs, ...from }, { logits, ...outputs })
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
