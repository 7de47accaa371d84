/** A decoder graph as a function: ids and state in, logits, hidden and the next state out. For one-off runs, not serving. */
import type { Graph, GraphOptions } from './graph.ts'
import { openGraph } from './open-graph.ts'
import { createTensor, type Tensor } from './tensor.ts'

/** Session state by name, each [batch, ...]. */
export type State = Readonly<Record<string, Tensor>>

export interface StateShape {
  readonly name: string
  /** ['batch', ...numbers] */
  readonly shape: readonly (number | string)[]
}

export interface DecoderStep {
  /** [batch, rows, vocab] */
  readonly logits: Tensor
  /** [batch, time, width] */
  readonly hidden: Tensor
  readonly state: State
}

export interface Decoder {
  readonly vocab: number
  /** Zeros: the state before the first token. */
  start(batch: number): State
  /** Feeds one row of ids for each row of the state. Logits are given for times from `logitsFrom` on (default: all). */
  run(ids: readonly ArrayLike<number>[], state: State, logitsFrom?: number): Promise<DecoderStep>
  close(): void
}

/** Opens a decoder from its bytes or file and what its manifest says of its state. */
export async function openDecoder(
  model: Uint8Array | string,
  state: readonly StateShape[],
  options: GraphOptions = {},
): Promise<Decoder> {
  const graph = await openGraph(model, options)
  const [vocab, width] = ['logits', 'hidden'].map((name) => lastSize(graph, name)) as [number, number]
  const shapes = (batch: number) =>
    state.map(({ name, shape }) => [name, [batch, ...shape.slice(1).map(Number)]] as const)
  const zeros = (batch: number): State =>
    Object.fromEntries(shapes(batch).map(([name, dims]) => [name, createTensor('float32', dims)]))
  return {
    vocab,
    start: zeros,
    async run(ids, before, logitsFrom = 0) {
      const [batch, time] = [ids.length, ids[0]?.length ?? 0]
      const rows = Math.max(0, time - (logitsFrom < 0 ? Math.max(0, time + logitsFrom) : logitsFrom))
      const after = zeros(batch)
      const logits = createTensor('float32', [batch, rows, vocab])
      const hidden = createTensor('float32', [batch, time, width])
      const inputs = {
        ids: createTensor('int32', [batch, time], Int32Array.from(ids.flatMap((row) => Array.from(row)))),
        logits_from: createTensor('int64', [], BigInt64Array.of(BigInt(logitsFrom))),
        ...prefixed('state', before),
      }
      const binding = graph.bind(inputs, { logits, hidden, ...prefixed('next', after) })
      await binding.run()
      binding.release()
      return { logits, hidden, state: after }
    },
    close: () => graph.close(),
  }
}

const prefixed = (prefix: string, values: State): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, t]) => [`${prefix}.${name}`, t]))

function lastSize(graph: Graph, name: string): number {
  return Number(graph.outputs.find((output) => output.name === name)?.shape.at(-1))
}
