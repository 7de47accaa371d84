/** A decoder graph as a function: ids and state in, logits, hidden and the next state out. For one-off runs, not serving. */
import type { Graph, GraphOptions } from './graph.ts'
import { openGraph } from './open-graph.ts'
import { createTensor, type Dtype, type Tensor } from './tensor.ts'

/**
 * Session state by name, each [batch, ...]. Keys and values have room for more positions than are filled; how many are
 * filled is the entry `positions`, int32 [batch], of a decoder that has such.
 */
export type State = Readonly<Record<string, Tensor>>

export interface StateShape {
  readonly name: string
  /** ['batch', ...numbers]; 'time' is the axis of positions. */
  readonly shape: readonly (number | string)[]
  /** float32 unless it is said. */
  readonly dtype?: Dtype
}

export interface DecoderStep {
  /** [batch, rows, vocab] */
  readonly logits: Tensor
  /** [batch, time, width]; the width is 0 where the graph does not give it. */
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

const POSITIONS = 'positions'
/** Positions that a cache has room for at first; it doubles from there. */
const SMALLEST_CAPACITY = 64

/** Opens a decoder from its bytes or file and what its manifest says of its state. */
export async function openDecoder(
  model: Uint8Array | string,
  state: readonly StateShape[],
  options: GraphOptions = {},
): Promise<Decoder> {
  const graph = await openGraph(model, options)
  const [vocab, width] = ['logits', 'hidden'].map((name) => lastSize(graph, name)) as [number, number]
  const positioned = graph.inputs.some(({ name }) => name === POSITIONS)
  const zeros = (batch: number, capacity: number): Record<string, Tensor> =>
    Object.fromEntries(
      state.map(({ name, shape, dtype = 'float32' }) => {
        const inner = shape.slice(1).map((d) => (d === 'time' ? capacity : Number(d)))
        return [name, createTensor(dtype, [batch, ...inner])]
      }),
    )
  const appended = new Map(state.map(({ name, shape }) => [name, shape.indexOf('time')]))

  /** Memory for the state after a call: caches are what they were, with room for the new positions. */
  function next(before: State, batch: number, tokens: number): Record<string, Tensor> {
    let capacity = SMALLEST_CAPACITY
    while (capacity < tokens) capacity *= 2
    const after = zeros(batch, capacity)
    for (const [name, axis] of appended) if (axis >= 0) copyAlong(before[name]!, after[name]!, axis)
    return after
  }

  return {
    vocab,
    start: (batch) => ({
      ...zeros(batch, SMALLEST_CAPACITY),
      ...(positioned ? { [POSITIONS]: createTensor('int32', [batch]) } : {}),
    }),
    async run(ids, before, logitsFrom = 0) {
      const [batch, time] = [ids.length, ids[0]?.length ?? 0]
      const rows = Math.max(0, time - (logitsFrom < 0 ? Math.max(0, time + logitsFrom) : logitsFrom))
      const { [POSITIONS]: positions, ...held } = before
      const counts = Int32Array.from({ length: batch }, (_, row) => Number(positions?.data[row] ?? 0))
      const after = next(held, batch, Math.max(...counts) + time)
      // The attention kernel reads and writes one cache: what it reads is the copy that it is to write.
      const read = Object.fromEntries(
        Object.entries(held).map(([name, t]) => [name, (appended.get(name) ?? -1) >= 0 ? after[name]! : t]),
      )
      const logits = createTensor('float32', [batch, rows, vocab])
      const hidden = createTensor('float32', [batch, time, width])
      const inputs = {
        ids: createTensor('int32', [batch, time], Int32Array.from(ids.flatMap((row) => Array.from(row)))),
        logits_from: createTensor('int64', [], BigInt64Array.of(BigInt(logitsFrom))),
        ...(positioned ? { [POSITIONS]: createTensor('int32', [batch], counts) } : {}),
        ...prefixed('state', read),
      }
      const binding = graph.bind(inputs, { logits, ...(width > 0 ? { hidden } : {}), ...prefixed('next', after) })
      await binding.run()
      binding.release()
      if (!positioned) return { logits, hidden, state: after }
      const fed = createTensor(
        'int32',
        [batch],
        counts.map((count) => count + time),
      )
      return { logits, hidden, state: { ...after, [POSITIONS]: fed } }
    },
    close: () => graph.close(),
  }
}

/** Copies all positions along `axis` of one tensor to the front of another that has as many or more. */
function copyAlong(from: Tensor, to: Tensor, axis: number): void {
  const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1)
  const [fromLine, toLine] = [size(from.dims.slice(axis)), size(to.dims.slice(axis))]
  const [source, target] = [from.data as Float32Array, to.data as Float32Array]
  for (let line = 0; line < size(from.dims.slice(0, axis)); line++)
    target.set(source.subarray(line * fromLine, line * fromLine + Math.min(fromLine, toLine)), line * toLine)
}

const prefixed = (prefix: string, values: State): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, t]) => [`${prefix}.${name}`, t]))

function lastSize(graph: Graph, name: string): number {
  return Number(graph.outputs.find((output) => output.name === name)?.shape.at(-1) ?? 0)
}
