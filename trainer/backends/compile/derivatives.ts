/** One derivative rule for each primitive, in the same vocabulary (reverse mode; Griewank & Walther 2008). */
import type { Node, Recorder, Rule } from './tape.ts'
import { axisOf, product } from './shapes.ts'

type R = Recorder

/** Sums `g` over the axes along which a value of `shape` was broadcast. */
export function unbroadcast(op: R, g: Node, shape: readonly number[]): Node {
  const extra = g.shape.length - shape.length
  const axes = g.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []))
  return axes.length === 0 ? g : op.reshape(op.reduce(g, axes), shape)
}

/** A rule of two broadcast inputs, from the derivatives before their axes are summed back. */
const binary =
  (derive: (op: R, g: Node, a: Node, b: Node, y: Node) => readonly [Node, Node]) =>
  (op: R): Rule =>
  (_, node, g) => {
    const [a, b] = node.inputs as [Node, Node]
    const [da, db] = derive(op, g, a, b, node)
    return [unbroadcast(op, da, a.shape), unbroadcast(op, db, b.shape)]
  }

/** A rule of one input: from its output y where that is cheaper. */
const unary =
  (derive: (op: R, g: Node, x: Node, y: Node) => Node) =>
  (op: R): Rule =>
  (_, node, g) => [derive(op, g, node.inputs[0]!, node)]

/** The rule of a function that is constant wherever it has a derivative. */
const zero = (): Rule => (_, node) => node.sources.map(() => 'zero')

/** The rule of operations that only derivatives and optimizers use: nobody differentiates them. */
const missing = (): Rule => (_, node) => node.sources.map(() => undefined)

export const rules = {
  zero,
  missing,
  add: binary((_, g) => [g, g]),
  sub: binary((op, g) => [g, op.neg(g)]),
  mul: binary((op, g, a, b) => [op.mul(g, b), op.mul(g, a)]),
  div: binary((op, g, _, b, y) => [op.div(g, b), op.neg(op.div(op.mul(g, y), b))]),
  maximum: binary((op, g, a, b) => {
    const second = op.float(op.less(a, b)) //    a tie goes to a, as in TF.js
    return [op.mul(g, op.sub(op.constant(1), second)), op.mul(g, second)]
  }),
  minimum: binary((op, g, a, b) => {
    const second = op.float(op.less(b, a))
    return [op.mul(g, op.sub(op.constant(1), second)), op.mul(g, second)]
  }),
  neg: unary((op, g) => op.neg(g)),
  exp: unary((op, g, _, y) => op.mul(g, y)),
  log: unary((op, g, x) => op.div(g, x)),
  sqrt: unary((op, g, _, y) => op.div(op.mul(g, op.constant(0.5)), y)),
  sin: unary((op, g, x) => op.mul(g, op.cos(x))),
  cos: unary((op, g, x) => op.neg(op.mul(g, op.sin(x)))),
  tanh: unary((op, g, _, y) => op.mul(g, op.sub(op.constant(1), op.mul(y, y)))),
  sigmoid: unary((op, g, _, y) => op.mul(g, op.mul(y, op.sub(op.constant(1), y)))),
  softplus: unary((op, g, x) => op.mul(g, op.sigmoid(x))),
  gelu: unary((op, g, x, y) => {
    const density = op.mul(op.exp(op.mul(op.mul(x, x), op.constant(-0.5))), op.constant(1 / Math.sqrt(2 * Math.PI)))
    // y = x cdf(x): the cdf is y / x, and 1/2 at 0
    const zero = op.equal(x, op.constant(0))
    const cdf = op.add(op.div(y, op.add(x, zero)), op.mul(zero, op.constant(0.5)))
    return op.mul(g, op.add(cdf, op.mul(x, density)))
  }),
  round: zero,
  softmax: unary((op, g, _, y) => {
    const weighted = op.mul(g, y)
    return op.sub(weighted, op.mul(y, op.sum(weighted, -1, true)))
  }),
  sum: (axis: number) => unary((op, g, x) => op.expand(kept(op, g, x, axis), x.shape)),
  mean: (axis: number) =>
    unary((op, g, x) => {
      const share = op.mul(kept(op, g, x, axis), op.constant(1 / x.shape[axisOf(x.shape, axis)]!))
      return op.expand(share, x.shape)
    }),
  max: (axis: number) => unary((op, g, x, y) => op.mul(op.equal(x, kept(op, y, x, axis)), kept(op, g, x, axis))),
  cumsum: (axis: number) =>
    unary((op, g) => {
      // sum over what comes after = total - running sum + itself
      const total = op.sum(g, axis, true)
      return op.add(op.sub(total, op.cumsum(g, axis)), g)
    }),
  gather:
    (op: R): Rule =>
    (_, node, g) => {
      const [table, ids] = node.inputs as [Node, Node]
      const [rows, width] = table.shape as [number, number]
      const count = product(ids.shape)
      return [op.scatterRows(op.reshape(ids, [count, 1]), op.reshape(g, [count, width]), [rows, width]), undefined]
    },
  transpose: (perm: readonly number[]) =>
    unary((op, g) => {
      const back = perm.map((_, i) => perm.indexOf(i))
      // What comes from a product is made in this order at once: (a b)' = b' a'
      if (g.kind !== 'matmul' || back.join() !== lastSwapped(g).join()) return op.transpose(g, back)
      const [a, b] = g.inputs as [Node, Node]
      return op.matmul(flip(op, b), flip(op, a))
    }),
  /** The transposed turn: back by the same angles. */
  rotary:
    (op: R): Rule =>
    (_, { inputs }, g) => [op.rotary(g, inputs[1]!, op.neg(inputs[2]!))],
  reshape: unary((op, g, x) => op.reshape(g, x.shape)),
  expand: unary((op, g, x) => unbroadcast(op, g, x.shape)),
  reduce: unary((op, g, x) => op.expand(g, x.shape)),
  slice: (axis: number, start: number, end: number) =>
    unary((op, g, x) => {
      const pad = (size: number) => op.zeros(x.shape.map((d, i) => (i === axis ? size : d)))
      const pieces = [start > 0 ? pad(start) : null, g, end < x.shape[axis]! ? pad(x.shape[axis]! - end) : null]
      const present = pieces.filter((piece) => piece !== null)
      return present.length === 1 ? g : op.concat(present, axis)
    }),
  concat:
    (axis: number) =>
    (op: R): Rule =>
    (_, node, g) =>
      op.split(
        g,
        node.inputs.map((x) => x.shape[axis]!),
        axis,
      ),
  where:
    (op: R): Rule =>
    (_, node, g) => {
      const [condition, a, b] = node.inputs as [Node, Node, Node]
      const zero = op.constant(0)
      return [
        undefined,
        unbroadcast(op, op.where(condition, g, zero), a.shape),
        unbroadcast(op, op.where(condition, zero, g), b.shape),
      ]
    },
  float: zero,
  matmul:
    (op: R): Rule =>
    (_, node, g) => {
      const [a, b] = node.inputs as [Node, Node]
      if (b.shape.length === 2) {
        const [inner, columns] = b.shape as [number, number]
        const rows = product(a.shape) / inner
        const flat = op.reshape(g, [rows, columns])
        return [
          op.reshape(op.gemm(flat, b, false, true), a.shape),
          op.gemm(op.reshape(a, [rows, inner]), flat, true, false),
        ]
      }
      return [unbroadcast(op, op.matmul(g, flip(op, b)), a.shape), unbroadcast(op, op.matmul(flip(op, a), g), b.shape)]
    },
  gemm:
    (transposeA: boolean, transposeB: boolean) =>
    (op: R): Rule =>
    (_, node, g) => {
      const [a, b] = node.inputs as [Node, Node]
      return [
        transposeA ? op.gemm(b, g, transposeB, true) : op.gemm(g, b, false, !transposeB),
        transposeB ? op.gemm(g, a, true, transposeA) : op.gemm(a, g, !transposeA, false),
      ]
    },
} as const

/** g with the reduced axis back as size 1. */
const kept = (op: R, g: Node, x: Node, axis: number): Node =>
  op.reshape(
    g,
    x.shape.map((d, i) => (i === axisOf(x.shape, axis) ? 1 : d)),
  )

/** The order of axes with the last two exchanged. */
const lastSwapped = ({ shape }: Node): number[] => {
  const axes = shape.map((_, i) => i)
  return [...axes.slice(0, -2), axes.length - 1, axes.length - 2]
}

const flip = (op: R, x: Node): Node => op.transpose(x, lastSwapped(x))
