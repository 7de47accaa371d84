/**
 * Loops on a tape. A short loop is unrolled: every step is recorded, and differentiated like anything else. A long one
 * is recorded as one operation (loop-node.ts), because ONNX Runtime loads unrolled graphs in superlinear time.
 */
import { type Body, recordLoop, type Step, traceBody } from './loop-node.ts'
import { ShapeError } from './shapes.ts'
import type { Node, Recorder, Tape } from './tape.ts'

/** The recorder of a tape, and how many forward nodes it may still unroll. */
export interface Unrolling {
  readonly tape: Tape
  readonly op: Recorder
  budget: number
}

/** The traced step where unrolling `steps` of it is more than the budget has left; else the budget shrinks. */
function bodyOfLong(to: Unrolling, steps: number, trace: () => Body): Body | undefined {
  if (steps === 1 || to.budget === Infinity) return undefined
  const before = to.budget
  const body = trace()
  to.budget = before // whatever loops the step itself has
  const nodes = steps * body.scope.nodes.length
  if (nodes > before) return body
  to.budget -= nodes
  return undefined
}

/** The loop over `axis`. */
export function scan(to: Unrolling, step: Step, carry: Node[], xs: Node[], axis: number) {
  const { tape, op } = to
  const steps = xs[0]!.shape[axis]!
  const body = bodyOfLong(to, steps, () => traceBody(tape, op, step, carry, xs, axis))
  if (body) return recordLoop(tape, op, body, carry, xs, axis)
  const rows = xs.map((x) => {
    const shape = x.shape.filter((_, i) => i !== axis)
    const ones = Array.from({ length: steps }, () => 1)
    return op.split(x, ones, axis).map((row) => op.reshape(row, shape))
  })
  return unroll(to, steps, carry, axis, (now, t) => {
    const out = step(
      now,
      rows.map((row) => row[t]!),
    )
    return { carry: out.carry, y: out.y.map((y) => op.reshape(y, y.shape.toSpliced(axis, 0, 1))) }
  })
}

/** The loop over chunks of `length` tokens. T has to be a multiple of them, and the first chunk to be empty. */
export function chunkedScan(to: Unrolling, step: Step, carry: Node[], xs: Node[], length: number) {
  const { tape, op } = to
  const time = xs[0]!.shape[1]!
  if (time % length !== 0) throw new ShapeError(`chunkedScan: expected time to be a multiple of ${length}, got ${time}`)
  const chunks = time / length
  const inChunks = ({ shape: [batch, , ...rest], dtype }: Node) => ({ shape: [batch!, chunks, length, ...rest], dtype })
  const body = bodyOfLong(to, chunks, () => traceBody(tape, op, step, carry, xs.map(inChunks), 1))
  if (body) {
    const sliced = xs.map((x) => op.reshape(x, inChunks(x).shape))
    const done = recordLoop(tape, op, body, carry, sliced, 1)
    return { carry: done.carry, ys: done.ys.map((y) => op.reshape(y, [y.shape[0]!, time, ...y.shape.slice(3)])) }
  }
  return unroll(to, chunks, carry, 1, (now, i) =>
    step(
      now,
      xs.map((x) => op.slice(x, 1, i * length, (i + 1) * length)),
    ),
  )
}

/** Records every step and joins the outputs along `axis`. Losses that steps add count as their mean over the steps. */
function unroll(
  { tape, op }: Unrolling,
  steps: number,
  first: Node[],
  axis: number,
  step: (carry: Node[], index: number) => { carry: Node[]; y: Node[] },
): { carry: Node[]; ys: Node[] } {
  let carry = first
  const ys: Node[][] = []
  const added: Node[] = []
  for (let i = 0; i < steps; i++) {
    const { result, losses } = tape.withLosses(() => step(carry, i))
    carry = sameShapes(carry, result.carry)
    for (const [at, y] of result.y.entries()) (ys[at] ??= []).push(y)
    added.push(...losses)
  }
  if (added.length > 0)
    tape.addLoss(
      op.mul(
        added.reduce((a, b) => op.add(a, b)),
        op.constant(1 / steps),
      ),
    )
  return { carry, ys: ys.map((y) => (y.length === 1 ? y[0]! : op.concat(y, axis))) }
}

/** The contract of every loop: what is carried keeps its shape. */
function sameShapes(before: readonly Node[], after: Node[]): Node[] {
  for (const [i, node] of after.entries())
    if (node.shape.join() !== before[i]!.shape.join())
      throw new ShapeError(`carry ${i}: expected [${before[i]!.shape.join(', ')}], got [${node.shape.join(', ')}]`)
  return after
}
