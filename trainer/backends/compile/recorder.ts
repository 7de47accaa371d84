/** Primitives over tape nodes: every call is recorded with its shape and its derivative rule. */
import { rules } from './derivatives.ts'
import { chunkedScan, scan } from './loop.ts'
import { axisOf, bounds, broadcast, multiplied, reduced, reshaped, ShapeError } from './shapes.ts'
import {
  type Emitter,
  type Group,
  groupNode,
  type Kind,
  type Node,
  type NodeType,
  type Recorder,
  type Rule,
  type Tape,
} from './tape.ts'

type Emit = <U>(op: Emitter<U>, inputs: readonly U[]) => U

/**
 * Forward nodes of loops that are unrolled, in all. ONNX Runtime opens a graph of 4,700 nodes in 1.6 s and one of 17,900
 * in 23 s; a step whose loops are loops takes up to 1.15 times as long.
 */
export const UNROLLED = 3000

/** The primitives of a tape. Loops are unrolled up to so many forward nodes in all. */
export function recorder(tape: Tape, unrolled = UNROLLED): Recorder {
  const constants = new Map<string, Node>()
  const add = (
    kind: Kind,
    inputs: readonly Node[],
    shape: readonly number[],
    rule: (op: Recorder) => Rule,
    emit: Emit,
    dtype: NodeType = 'float32',
  ): Node => tape.add({ kind, name: kind, inputs, shape, dtype, rule: (...args) => rule(op)(...args), emit })
  const once = (key: string, make: () => Node): Node => {
    const known = constants.get(key) ?? make()
    constants.set(key, known)
    return known
  }
  type Unary =
    | 'neg'
    | 'exp'
    | 'log'
    | 'sqrt'
    | 'sin'
    | 'cos'
    | 'tanh'
    | 'sigmoid'
    | 'softplus'
    | 'gelu'
    | 'round'
    | 'softmax'
  const unary = (name: Unary) => (x: Node) => add(name, [x], x.shape, rules[name], (o, [a]) => o[name](a!))
  type Binary = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum'
  const binary = (name: Binary) => (a: Node, b: Node) =>
    add(name, [a, b], broadcast(a.shape, b.shape), rules[name], (o, [x, y]) => o[name](x!, y!))
  const logical = (name: 'less' | 'and') => (a: Node, b: Node) =>
    add(name, [a, b], broadcast(a.shape, b.shape), rules.zero, (o, [x, y]) => o[name](x!, y!), 'bool')
  const reduction =
    (name: 'sum' | 'mean' | 'max') =>
    (x: Node, axis: number, keepDims = false) => {
      const at = axisOf(x.shape, axis)
      return add(name, [x], reduced(x.shape, at, keepDims), rules[name](at), (o, [a]) => o[name](a!, at, keepDims))
    }

  const op: Recorder = {
    constant: (value) =>
      once(`scalar ${value}`, () =>
        tape.add({
          kind: 'constant',
          name: `constant ${value}`,
          value,
          inputs: [],
          shape: [],
          dtype: 'float32',
          rule: () => [],
          emit: (o) => o.constant(value),
        }),
      ),
    table: (values, shape) =>
      once(`table ${shape.join()}: ${values.join()}`, () =>
        add('table', [], shape, rules.zero, (o) => o.table(values, shape)),
      ),
    zeros: (shape) => op.expand(op.constant(0), shape),
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    div: binary('div'),
    maximum: binary('maximum'),
    minimum: binary('minimum'),
    neg: unary('neg'),
    exp: unary('exp'),
    log: unary('log'),
    sqrt: unary('sqrt'),
    sin: unary('sin'),
    cos: unary('cos'),
    tanh: unary('tanh'),
    sigmoid: unary('sigmoid'),
    softplus: unary('softplus'),
    gelu: unary('gelu'),
    round: unary('round'),
    softmax: unary('softmax'),
    matmul: (a, b) =>
      add('matmul', [a, b], multiplied(a.shape, b.shape), rules.matmul, (o, [x, y]) => o.matmul(x!, y!)),
    gemm: (a, b, ta, tb) => {
      const shape = multiplied(ta ? a.shape.toReversed() : a.shape, tb ? b.shape.toReversed() : b.shape)
      return add('gemm', [a, b], shape, rules.gemm(ta, tb), (o, [x, y]) => o.gemm(x!, y!, ta, tb))
    },
    sum: reduction('sum'),
    mean: reduction('mean'),
    max: reduction('max'),
    reduce: (x, axes) => {
      const shape = x.shape.map((d, i) => (axes.includes(i) ? 1 : d))
      return add('reduce', [x], shape, rules.reduce, (o, [a]) => o.reduce(a!, axes))
    },
    expand: (x, shape) =>
      x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i])
        ? x
        : add('expand', [x], shape, rules.expand, (o, [a]) => o.expand(a!, shape)),
    cumsum: (x, axis) => {
      const at = axisOf(x.shape, axis)
      return add('cumsum', [x], x.shape, rules.cumsum(at), (o, [a]) => o.cumsum(a!, at))
    },
    gather: (table, ids) =>
      add('gather', [table, ids], [...ids.shape, table.shape[1]!], rules.gather, (o, [t, i]) => o.gather(t!, i!)),
    oneHot: (ids, depth) => add('oneHot', [ids], [...ids.shape, depth], rules.zero, (o, [i]) => o.oneHot(i!, depth)),
    int32: (x) => add('int32', [x], x.shape, rules.zero, (o, [a]) => o.int32(a!), 'int32'),
    topk: (x, k) => add('topk', [x], [...x.shape.slice(0, -1), k], rules.zero, (o, [a]) => o.topk(a!, k), 'int32'),
    float: (x) => add('float', [x], x.shape, rules.float, (o, [a]) => o.float(a!)),
    equal: (a, b) => add('equal', [a, b], broadcast(a.shape, b.shape), rules.zero, (o, [x, y]) => o.equal(x!, y!)),
    scatterRows: (ids, g, shape) =>
      add('scatterRows', [ids, g], shape, rules.missing, (o, [i, x]) => o.scatterRows(i!, x!, shape)),
    pick: (x, ids) => add('pick', [x, ids], ids.shape, rules.missing, (o, [a, i]) => o.pick(a!, i!)),
    addAt: (x, ids, values) =>
      add('addAt', [x, ids, values], x.shape, rules.missing, (o, [a, i, v]) => o.addAt(a!, i!, v!)),
    rotary: (x, cos, sin) =>
      add('rotary', [x, cos, sin], x.shape, rules.rotary, (o, [a, c, s]) => o.rotary(a!, c!, s!)),
    quantize: (x, scale, dtype) =>
      add('quantize', [x, scale], x.shape, rules.missing, (o, [a, s]) => o.quantize(a!, s!, dtype), dtype),
    dequantize: (x, scale) =>
      add('dequantize', [x, scale], x.shape, rules.missing, (o, [a, s]) => o.dequantize(a!, s!)),
    concat: (xs, axis) => {
      const at = axisOf(xs[0]!.shape, axis)
      const total = xs.reduce((n, x) => n + x.shape[at]!, 0)
      const shape = xs[0]!.shape.map((d, i) => (i === at ? total : d))
      return add('concat', xs, shape, rules.concat(at), (o, all) => o.concat(all, at))
    },
    split: (x, sizes, axis) => split(tape, op, x, sizes, axisOf(x.shape, axis)),
    transpose: (x, perm) =>
      add(
        'transpose',
        [x],
        perm.map((i) => x.shape[i]!),
        rules.transpose(perm),
        (o, [a]) => o.transpose(a!, perm),
      ),
    reshape: (x, to) => {
      const shape = reshaped(x.shape, to)
      const same = shape.length === x.shape.length && shape.every((d, i) => d === x.shape[i])
      return same ? x : add('reshape', [x], shape, rules.reshape, (o, [a]) => o.reshape(a!, shape), x.dtype)
    },
    slice: (x, axis, start, end) => {
      const at = axisOf(x.shape, axis)
      const [from, to] = bounds(x.shape[at]!, start, end)
      const shape = x.shape.map((d, i) => (i === at ? to - from : d))
      const emit: Emit = (o, [a]) => o.slice(a!, at, from, to)
      return from === 0 && to === x.shape[at] ? x : add('slice', [x], shape, rules.slice(at, from, to), emit, x.dtype)
    },
    iota: (x, axis) => {
      const size = x.shape[axisOf(x.shape, axis)]!
      return op.table(
        Array.from({ length: size }, (_, i) => i),
        [size],
      )
    },
    less: logical('less'),
    and: logical('and'),
    where: (c, a, b) => {
      const shape = broadcast(broadcast(c.shape, a.shape), b.shape)
      return add('where', [c, a, b], shape, rules.where, (o, [x, y, z]) => o.where(x!, y!, z!))
    },
    detach: (x) => tape.custom('detach', x, [], () => []),
    scan: (step, carry, xs, axis) => scan(unrolling, step, carry, xs, axis),
    chunkedScan: (step, carry, xs, chunk) => chunkedScan(unrolling, step, carry, xs, chunk.length),
  }
  const unrolling = { tape, op, budget: unrolled }
  return op
}

/** The parts of a split are one group: their derivatives are joined by one concat, not padded one by one. */
function split(tape: Tape, op: Recorder, x: Node, sizes: readonly number[], axis: number): Node[] {
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis])
    throw new ShapeError(`split: parts [${sizes.join(', ')}] do not make axis ${axis} of [${x.shape.join(', ')}]`)
  const group: Group = {
    nodes: [],
    emit: (o, [a]) => o.split(a!, sizes, axis),
    rule: (found) => [
      op.concat(
        found.map((g, i) => g ?? op.zeros(group.nodes[i]!.shape)),
        axis,
      ),
    ],
  }
  for (const size of sizes) {
    const shape = x.shape.map((d, j) => (j === axis ? size : d))
    group.nodes.push(groupNode(tape, 'split', group, [x], shape, x.dtype))
  }
  return group.nodes
}
