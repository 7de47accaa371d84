/** The composites on a tape: chunked forms, and derivative rules that are shorter than what autodiff would find. */
import { chunkedComposites, unitInverse } from '../../../models/chunked.ts'
import { attend, rotation, withComposites } from '../../../models/composites.ts'
import type { Ops, Rotation, WindowAttention } from '../../../models/ops.ts'
import { unbroadcast } from './derivatives.ts'
import type { Node, Recorder, Tape } from './tape.ts'

/** All operations on a tape. */
export function tapeOps(tape: Tape, op: Recorder): Ops<Node> {
  const turning = { rotate: (x: Node, positions: Node, how: Rotation) => rotate(op, x, positions, how) }
  const plain = withComposites<Node>(op, turning)
  const chunked = chunkedComposites(
    plain,
    ({ shape }) => shape,
    (a, size) => inverse(tape, op, a, size),
  )
  return withComposites<Node>(op, {
    ...turning,
    ...chunked,
    rmsNorm: (x, weight, eps) => rmsNorm(tape, op, x, weight, eps),
    silu: (x) => silu(tape, op, x),
    l2Normalize: (x) => l2Normalize(tape, op, x),
    windowAttention: (x) =>
      isZero(x.filled) && x.q.shape[2]! <= x.window && !x.always
        ? causalAttention(plain, x)
        : chunked.windowAttention(x),
    linear: (x, weight, bias) => linear(op, x, weight, bias),
    addLoss: (loss) => tape.addLoss(loss),
    dropout(x, rate) {
      if (rate === 0) return x
      const kept = op.float(op.less(op.constant(rate), tape.noise(x.shape)))
      return op.mul(x, op.mul(kept, op.constant(1 / (1 - rate))))
    },
  })
}

/** One product of two matrices, which reads the weight (N,K) as it is stored. */
function linear(op: Recorder, x: Node, weight: Node, bias?: Node): Node {
  const rows = op.reshape(x, [-1, x.shape.at(-1)!])
  const y = op.reshape(op.gemm(rows, weight, false, true), [...x.shape.slice(0, -1), weight.shape[0]!])
  return bias === undefined ? y : op.add(y, bias)
}

/** Known to be zero before the graph runs: the state of rows that carry none. */
const isZero = (node: Node): boolean => node.kind === 'expand' && node.inputs[0]!.value === 0

/** Window attention of a sequence that fits into the window and begins at its first token. */
function causalAttention(op: Ops<Node>, x: WindowAttention<Node>) {
  const position = op.iota(x.q, 2)
  const [row, column] = [op.reshape(position, [-1, 1]), op.reshape(position, [1, -1])] //      (T, 1), (1, T)
  const allowed = op.less(column, op.add(row, op.constant(1)))
  const { rope, channels } = x
  const q = op.rotate(x.q, row, { rope, channels, scale: 1 / Math.sqrt(channels) })
  const y = attend(op, q, op.rotate(x.k, row, { rope, channels, scale: 1 }), x.v, allowed, 4)
  const kept = (past: Node, now: Node): Node => op.slice(op.concat([past, now], 2), 2, -x.window)
  return { y, k: kept(x.past.k, x.k), v: kept(x.past.v, x.v) }
}

/** One kernel for the turn, and for its derivative, which turns back. */
function rotate(op: Recorder, x: Node, positions: Node, how: Rotation): Node {
  const { rope, scale } = how
  if (rope === null) return scale === 1 ? x : op.mul(x, op.constant(scale))
  const [cos, sin] = rotation(op, positions, { ...how, rope })
  const [batch, ...middle] = x.shape.slice(0, -2)
  const flat = op.reshape(x, [batch!, middle.reduce((a, b) => a * b), ...x.shape.slice(-2)]) //  (B, ., S, C)
  return op.reshape(op.rotary(flat, cos, sin), x.shape)
}

/** y = x r w, r = 1 / rms(x): dx = r (g w) - x r^3 mean(g w x), dw = sum g x r. */
function rmsNorm(tape: Tape, op: Recorder, x: Node, weight: Node, eps: number): Node {
  const r = op.div(op.constant(1), op.sqrt(op.add(op.mean(op.mul(x, x), -1, true), op.constant(eps))))
  const normed = op.mul(x, r)
  return tape.custom('rmsNorm', op.mul(normed, weight), [x, weight], (_, _node, g) => {
    const gw = op.mul(g, weight)
    const along = op.mean(op.mul(gw, normed), -1, true)
    return [op.mul(r, op.sub(gw, op.mul(normed, along))), unbroadcast(op, op.mul(g, normed), weight.shape)]
  })
}

/** y = x s, s = sigmoid(x): dx = g (y + s - s y). */
function silu(tape: Tape, op: Recorder, x: Node): Node {
  const s = op.sigmoid(x)
  return tape.custom('silu', op.mul(x, s), [x], (_, y, g) => [op.mul(g, op.add(y, op.sub(s, op.mul(s, y))))])
}

/** y = x r, r = 1 / |x|: dx = r (g - y sum(g y)). */
function l2Normalize(tape: Tape, op: Recorder, x: Node): Node {
  const r = op.div(op.constant(1), op.sqrt(op.add(op.sum(op.mul(x, x), -1, true), op.constant(1e-6))))
  return tape.custom('l2Normalize', op.mul(x, r), [x], (_, y, g) => [
    op.mul(r, op.sub(g, op.mul(y, op.sum(op.mul(g, y), -1, true)))),
  ])
}

/** T = (I + A)^-1: dA = -T' g T'. */
function inverse(tape: Tape, op: Recorder, a: Node, size: number): Node {
  const [, heads, count] = a.shape as [number, number, number]
  const t: Node = tape.custom('unitInverse', unitInverse(op, a, size, heads, count), [a], (_, node, g) => {
    const flipped = op.transpose(node, [0, 1, 2, 4, 3])
    return [op.neg(op.matmul(flipped, op.matmul(g, flipped)))]
  })
  return t
}
