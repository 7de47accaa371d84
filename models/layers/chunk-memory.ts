/**
 * Memories that are written at the end of each chunk, as layers beside others: slots (rsm.ts) and a network that learns
 * while it reads (nmt.ts). A layer says nothing at the start: its output is projected from zero, and gated.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, stateOf, vector } from '../spec.ts'
import {
  updateMemory,
  type NeuralMemoryConfig,
  neuralMemoryParams,
  neuralMemoryState,
  pendingState,
  retrieve,
  appendPending,
} from './neural-memory.ts'
import { crossAttention, crossAttentionParams } from './cross-attention.ts'
import { pool, pooled, poolParams, poolState, write, writeParams } from './slots.ts'
import type { ChunkPosition } from './chunk-position.ts'

export interface SlotConfig {
  readonly width: number
  readonly slots: number
  readonly chunk: number
}

const gateParams = (width: number) => ({ gate: matrix([width, width]), gateBias: vector([width], 0) })

const gated = <T>(op: Ops<T>, p: Of<ReturnType<typeof gateParams>, T>, x: T, y: T): T =>
  op.mul(op.tap(op.sigmoid(op.add(op.matmul(x, p.gate), p.gateBias)), 'gate'), y)

export const slotParams = (c: SlotConfig) => ({
  start: matrix([c.slots, c.width], 1), //       as large as the tokens, which come normalised
  read: crossAttentionParams(c.width),
  pool: poolParams('attention', c.width),
  write: writeParams(c.width),
  ...gateParams(c.width),
})

/** The slots as the difference to their start, and what has been pooled of the unfinished chunk. */
export const slotState = (c: SlotConfig) => ({
  memory: stateOf(c.slots, c.width),
  pool: poolState('attention', c.slots, c.width),
})

/** x (B,S,D), tokens of one chunk -> y (B,S,D): each reads the slots as they were before its chunk. */
export function slotLayer<T>(
  op: Ops<T>,
  c: SlotConfig,
  p: Of<ReturnType<typeof slotParams>, T>,
  x: T,
  past: Of<ReturnType<typeof slotState>, T>,
  { fresh, full }: ChunkPosition<T>,
) {
  const memory = op.add(past.memory, p.start) //                                                (B, M, D)
  const sums = pool(op, c.width, p.pool, memory, x, past.pool, fresh)
  const next = op.sub(write(op, p.write, memory, pooled(op, sums, c.chunk)), p.start)
  const emptied = Object.fromEntries(
    Object.entries(sums).map(([name, sum]) => [name, op.where(full, op.constant(0), sum)]),
  ) as typeof sums
  return {
    y: gated(op, p, x, crossAttention(op, c.width, p.read, x, memory)),
    state: { memory: op.where(full, next, past.memory), pool: emptied as typeof past.pool },
  }
}

export const neuralMemoryLayerParams = (c: NeuralMemoryConfig) => ({
  memory: neuralMemoryParams(c),
  recall: matrix([c.memory, c.width], 0),
  ...gateParams(c.width),
})

export const neuralMemoryLayerState = (c: NeuralMemoryConfig) => ({ ...neuralMemoryState(c), pending: pendingState(c) })

/** x (B,S,D), tokens of one chunk -> y (B,S,D): each reads the weights as they were before its chunk. */
export function neuralMemoryLayer<T>(
  op: Ops<T>,
  c: NeuralMemoryConfig,
  p: Of<ReturnType<typeof neuralMemoryLayerParams>, T>,
  x: T,
  past: Of<ReturnType<typeof neuralMemoryLayerState>, T>,
  { full }: ChunkPosition<T>,
) {
  const said = op.matmul(retrieve(op, c, p.memory, x, past), p.recall)
  const pending = appendPending(op, c, p.memory, x, past.pending)
  const taught = updateMemory(op, c, p.memory.start, past, [pending])
  const choose = (now: readonly T[], old: readonly T[]): T[] => now.map((t, i) => op.where(full, t, old[i]!))
  return {
    y: gated(op, p, x, said),
    state: {
      added: choose(taught.added, past.added),
      ...(past.momentum ? { momentum: choose(taught.momentum!, past.momentum) } : {}),
      pending,
    },
  }
}
