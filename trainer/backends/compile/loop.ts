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

/** The loop over chunks of `length` tokens, the first of which is empty at the start; a shorter chunk may come last. */
export function chunkedScan(to: Unrolling, step: Step, carry: Node[], xs: Node[], length: number) {
  const { tape, op } = to
  const time = xs[0]!.shape[1]!
  const whole = time - (time % length)
  if (whole === 0) return unroll(to, 1, carry, 1, (now) => step(now, xs))
  if (whole === time) return wholeChunks(to, step, carry, xs, length)
  const part = (start: number, end: number): Node[] => xs.map((x) => op.slice(x, 1, start, end))
  const { result: first, losses } = tape.withLosses(() => wholeChunks(to, step, carry, part(0, whole), length))
  const rest = tape.withLosses(() => step(first.carry, part(whole, time)))
  addMeanLoss(
    to,
    [...losses.map((mean) => op.mul(mean, op.constant(whole / length))), ...rest.losses],
    whole / length + 1,
  )
  const { carry: last, y } = rest.result
  return { carry: sameShapes(first.carry, last), ys: first.ys.map((whole, i) => op.concat([whole, y[i]!], 1)) }
}

function wholeChunks(to: Unrolling, step: Step, carry: Node[], xs: Node[], length: number) {
  const { tape, op } = to
  const time = xs[0]!.shape[1]!
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

/** Records every step and joins the outputs along `axis`. */
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
    for (const loss of losses) added.push(loss)
  }
  addMeanLoss({ tape, op }, added, steps)
  return { carry, ys: ys.map((y) => (y.length === 1 ? y[0]! : op.concat(y, axis))) }
}

/** Losses that steps add count as their mean over the steps. */
function addMeanLoss({ tape, op }: Pick<Unrolling, 'tape' | 'op'>, added: readonly Node[], steps: number): void {
  if (added.length === 0) return
  const sum = added.reduce((a, b) => op.add(a, b))
  tape.addLoss(op.mul(sum, op.constant(1 / steps)))
}

/** The contract of every loop: what is carried keeps its shape. */
function sameShapes(before: readonly Node[], after: Node[]): Node[] {
  for (const [i, node] of after.entries())
    if (node.shape.join() !== before[i]!.shape.join())
      throw new ShapeError(`carry ${i}: expected [${before[i]!.shape.join(', ')}], got [${node.shape.join(', ')}]`)
  return after
}
