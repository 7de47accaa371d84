/** The eager backend's operations: primitives as TF.js calls, differentiated by TF.js, independent of the compiler. */
import { chunkedComposites } from '../../../models/chunked.ts'
import { withComposites } from '../../../models/composites.ts'
import type { Ops, Primitives } from '../../../models/ops.ts'
import { axisOf, bounds, broadcast } from '../compile/shapes.ts'
import type { Tensor, TensorFlow } from './load.ts'

/** Primitives over TF.js tensors. */
export function eager(tf: TensorFlow): Primitives<Tensor> {
  /** Without a derivative: TF.js has no rule for comparisons and would fail on meeting one. */
  const flat =
    (f: (...xs: Tensor[]) => Tensor) =>
    (...xs: Tensor[]): Tensor => {
      const gradFunc = (): Tensor[] => xs.map((x) => tf.zeros(x.shape, 'float32'))
      return tf.customGrad((...args) => ({ value: f(...(args.slice(0, xs.length) as Tensor[])), gradFunc }))(...xs)
    }
  /** Both sides at their common shape: the derivatives of TF.js's maximum and minimum forget to sum it back. */
  const spread =
    (f: (a: Tensor, b: Tensor) => Tensor) =>
    (a: Tensor, b: Tensor): Tensor => {
      const shape = broadcast(a.shape, b.shape) as [number]
      return f(tf.broadcastTo(a, shape), tf.broadcastTo(b, shape))
    }
  const op: Primitives<Tensor> = {
    constant: (value) => tf.scalar(value),
    table: (values, shape) => tf.tensor([...values], [...shape], 'float32'),
    add: (a, b) => tf.add(a, b),
    sub: (a, b) => tf.sub(a, b),
    mul: (a, b) => tf.mul(a, b),
    div: (a, b) => tf.div(a, b),
    maximum: spread((a, b) => tf.maximum(a, b)),
    minimum: spread((a, b) => tf.minimum(a, b)),
    neg: (x) => tf.neg(x),
    exp: (x) => tf.exp(x),
    log: (x) => tf.log(x),
    sqrt: (x) => tf.sqrt(x),
    sin: (x) => tf.sin(x),
    cos: (x) => tf.cos(x),
    tanh: (x) => tf.tanh(x),
    sigmoid: (x) => tf.sigmoid(x),
    softplus: (x) => tf.softplus(x),
    round: flat((x) => tf.round(x)),
    gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    matmul(a, b) {
      if (b.rank === a.rank) return tf.matMul(a, b)
      // TF.js's derivative of a product does not sum over the axes that the right side lacks
      if (b.rank > 2)
        return tf.matMul(a, tf.broadcastTo(b, [...a.shape.slice(0, a.rank - b.rank), ...b.shape] as [number]))
      const flat = tf.reshape(a, [-1, a.shape.at(-1)!])
      return tf.reshape(tf.matMul(flat, b), [...a.shape.slice(0, -1), b.shape.at(-1)!])
    },
    sum: (x, axis, keepDims) => tf.sum(x, axis, keepDims),
    mean: (x, axis, keepDims) => tf.mean(x, axis, keepDims),
    max: (x, axis, keepDims) => tf.max(x, axis, keepDims),
    softmax: (x) => tf.softmax(x),
    cumsum(x, axis) {
      // Only along the last axis is the derivative of TF.js's cumsum right
      const perm = x.shape.map((_, i) => i).filter((i) => i !== at(x, axis))
      const order = [...perm, at(x, axis)]
      const sums = tf.cumsum(tf.transpose(x, order), order.length - 1)
      return tf.transpose(
        sums,
        order.map((_, i) => order.indexOf(i)),
      )
    },
    gather(table, ids) {
      if (tf.getKernel('UnsortedSegmentSum', tf.getBackend())) return gatherRows(tf, table, ids)
      // WASM has no kernel for the derivative of gather: a product with one-hot rows then
      const hot = tf.oneHot(tf.reshape(ids, [-1]).toInt(), table.shape[0]).toFloat()
      return tf.reshape(tf.matMul(hot, table), [...ids.shape, table.shape[1]!])
    },
    oneHot: (ids, depth) =>
      depth === 1 // TF.js refuses it
        ? flat((x) => tf.expandDims(tf.equal(x, 0).toFloat(), -1))(ids)
        : tf.oneHot(ids.toInt(), depth).toFloat(),
    int32: (x) => x.toInt(),
    topk: (x, k) => flat((y) => tf.topk(y, k).indices)(x),
    concat: (xs, axis) => tf.concat([...xs], at(xs[0]!, axis)),
    split: (x, sizes, axis) => (sizes.length === 1 ? [x] : tf.split(x, [...sizes], at(x, axis))),
    transpose: (x, perm) => tf.transpose(x, [...perm]),
    reshape: (x, shape) =>
      tf.reshape(
        x,
        shape.map((d, i) => (d === 0 ? x.shape[i]! : d)),
      ),
    slice(x, axis, start, end) {
      const on = at(x, axis)
      const [from, to] = bounds(x.shape[on]!, start, end)
      return tf.slice(
        x,
        x.shape.map((_, i) => (i === on ? from : 0)),
        x.shape.map((d, i) => (i === on ? to - from : d)),
      )
    },
    iota: (x, axis) => tf.range(0, x.shape[at(x, axis)]!, 1, 'float32'),
    less: flat((a, b) => tf.less(a, b)),
    and: flat((a, b) => tf.logicalAnd(a, b)),
    where: (condition, a, b) => tf.where(condition, a, b),
    detach: flat((x) => tf.clone(x)),
    scan(step, first, xs, axis) {
      // The derivative of TF.js's unstack fails where there is one part only
      const rows = xs.map((x) => (x.shape[axis] === 1 ? [tf.squeeze(x, [axis])] : tf.unstack(x, axis)))
      let carry = first
      const ys: Tensor[][] = []
      for (let t = 0; t < rows[0]!.length; t++) {
        const out = step(
          carry,
          rows.map((row) => row[t]!),
        )
        carry = sameShapes(carry, out.carry)
        out.y.forEach((y, i) => (ys[i] ??= []).push(y))
      }
      return { carry, ys: ys.map((y) => tf.stack(y, axis)) }
    },
    chunkedScan(step, first, xs, chunk) {
      const time = xs[0]!.shape[1]!
      let carry = first
      const ys: Tensor[][] = []
      for (let start = 0; start < time;) {
        const room = Math.round(tf.min(chunk.room(carry)).dataSync()[0]!)
        const end = Math.min(time, start + room)
        const out = step(
          carry,
          xs.map((x) => op.slice(x, 1, start, end)),
        )
        carry = sameShapes(carry, out.carry)
        out.y.forEach((y, i) => (ys[i] ??= []).push(y))
        start = end
      }
      return { carry, ys: ys.map((y) => tf.concat(y, 1)) }
    },
  }
  return op
}

/** Rows at ids that may depend on parameters: TF.js gives such ids a derivative of the wrong type, and fails on it. */
const gatherRows = (tf: TensorFlow, table: Tensor, ids: Tensor): Tensor =>
  tf.customGrad((...args) => {
    const [rows, at, save] = args as unknown as [Tensor, Tensor, (kept: Tensor[]) => void]
    save([at])
    const gradFunc = (g: Tensor, kept: Tensor[]): Tensor[] => {
      const flat = tf.reshape(g, [-1, table.shape[1]!])
      const places = tf.reshape(kept[0]!, [-1]).toInt().as1D()
      return [tf.unsortedSegmentSum(flat, places, table.shape[0]), tf.zeros(ids.shape, 'float32')]
    }
    return { value: tf.gather(rows, at.toInt()), gradFunc }
  })(table, ids)

/** The axis counted from the front. */
const at = (x: Tensor, axis: number): number => axisOf(x.shape, axis)

/** Uniform random numbers for a dropout mask of this shape. */
export type DropoutNoise = (shape: readonly number[]) => Tensor

/** The whole vocabulary for training: chunked forms; derivatives are TF.js's own throughout. */
export function eagerOps(tf: TensorFlow, noise?: DropoutNoise): Ops<Tensor> {
  const op = eager(tf)
  return withComposites<Tensor>(op, {
    ...chunkedComposites(withComposites<Tensor>(op), ({ shape }) => shape),
    dropout(x, rate) {
      if (rate === 0 || !noise) return x
      return tf.mul(x, tf.mul(tf.less(rate, noise(x.shape)).toFloat(), 1 / (1 - rate)))
    },
  })
}

/** The contract of every loop, checked at each step: what is carried keeps its shape. */
function sameShapes(before: readonly Tensor[], after: Tensor[]): Tensor[] {
  for (const [i, tensor] of after.entries())
    if (tensor.shape.join() !== before[i]!.shape.join())
      throw new RangeError(`carry ${i}: expected [${before[i]!.shape.join(', ')}], got [${tensor.shape.join(', ')}]`)
  return after
}
