/**
 * AdamW's moments as they are kept between steps: whole, or in blocks of 8-bit numbers with one scale each (Dettmers et
 * al. 2022, arXiv 2110.02861). Here the numbers are linear, of the second moment its square root; rounding is dithered
 * from step to step, without which a moment that changes by less than half a number a step would never change.
 */
import { product } from './shapes.ts'
import type { Node, Recorder, Tape } from './tape.ts'

/** Numbers that share a scale. */
export const BLOCK = 256
/** Parameters of fewer numbers keep whole moments: they cost little, and gains are sensitive to rounding. */
const SMALLEST = 4096
/** The least scale, so that none is zero. */
export const TINY = 1e-30

/** Whether the moments of a parameter of this shape are kept in blocks. */
export const isBlocked = (shape: readonly number[], bits: 8 | 32): boolean => bits === 8 && product(shape) >= SMALLEST

export interface Moments {
  readonly first: Node
  readonly second: Node
  /** What is kept of the moments after the step, by name; `take` chooses between new and old where gradients accumulate. */
  keep(first: Node, second: Node, take: (next: Node, now: Node) => Node): Map<string, Node>
}

/** The moments of a parameter as inputs of the tape. `dither` is a scalar in [0, 1) that differs from step to step. */
export function moments(
  tape: Tape,
  op: Recorder,
  path: string,
  shape: readonly number[],
  bits: 8 | 32,
  dither: Node,
): Moments {
  if (!isBlocked(shape, bits)) {
    const first = tape.input(`first.${path}`, shape)
    const second = tape.input(`second.${path}`, shape)
    const keep: Moments['keep'] = (m, v, take) =>
      new Map([
        [`first.${path}`, take(m, first)],
        [`second.${path}`, take(v, second)],
      ])
    return { first, second, keep }
  }
  const signed = blocks(tape, op, 'first', path, shape, 'int8', dither)
  const root = blocks(tape, op, 'second', path, shape, 'uint8', dither)
  // A zero stands for anything below half a unit. Half a unit is its bound, because a step divides by the root
  const least = op.maximum(root.whole, op.mul(root.scale, op.constant(0.5)))
  const all = op.mul(least, least)
  return {
    first: unblocked(op, signed.whole, shape),
    second: unblocked(op, all, shape),
    keep: (m, v, take) => new Map([...signed.keep(m, take), ...root.keep(op.sqrt(v), take)]),
  }
}

/** One tensor in blocks. `whole` (blocks, BLOCK) is what its numbers mean; `scale` (blocks, 1) the unit of each block. */
function blocks(
  tape: Tape,
  op: Recorder,
  moment: 'first' | 'second',
  path: string,
  shape: readonly number[],
  dtype: 'int8' | 'uint8',
  dither: Node,
) {
  const count = Math.ceil(product(shape) / BLOCK)
  const largest = dtype === 'int8' ? 127 : 255
  const numbers = tape.input(`${moment}.${path}`, [count, BLOCK], dtype)
  const scale = tape.input(`${moment}Scale.${path}`, [count, 1])
  const whole = op.dequantize(numbers, scale)
  /** Between -1/2 and 1/2, different in neighbouring columns and in following steps. */
  const phase = op.add(
    op.table(
      Array.from({ length: BLOCK }, (_, i) => (i * 0.6180339887498949) % 1),
      [1, BLOCK],
    ),
    dither,
  )
  const offset = op.sub(op.sub(phase, op.float(op.less(op.constant(1), phase))), op.constant(0.5))
  const keep = (next: Node, take: (next: Node, now: Node) => Node): [string, Node][] => {
    const x = blocked(op, next, count)
    const size = dtype === 'int8' ? op.maximum(x, op.neg(x)) : x
    const unit = op.maximum(op.div(op.max(size, 1, true), op.constant(largest)), op.constant(TINY))
    const after = take(unit, scale)
    return [
      [
        `${moment}.${path}`,
        op.quantize(take(op.add(x, op.mul(unit, offset)), whole), op.maximum(after, op.constant(TINY)), dtype),
      ],
      [`${moment}Scale.${path}`, after],
    ]
  }
  return { whole, scale, keep }
}

function blocked(op: Recorder, x: Node, count: number): Node {
  const flat = op.reshape(x, [-1])
  const missing = count * BLOCK - flat.shape[0]!
  return op.reshape(missing === 0 ? flat : op.concat([flat, op.zeros([missing])], 0), [count, BLOCK])
}

const unblocked = (op: Recorder, x: Node, shape: readonly number[]): Node =>
  op.reshape(op.slice(op.reshape(x, [-1]), 0, 0, product(shape)), shape)
