/** Primitives over tape nodes: every call is recorded with its shape and its derivative rule. */
import type { Primitives } from '../../../models/ops.ts'
import { rules } from './derivatives.ts'
import { axisOf, bounds, broadcast, multiplied, reduced, reshaped, ShapeError } from './shapes.ts'
import { type Emitter, type Node, type NodeType, type Recorder, type Rule, type Tape } from './tape.ts'

type Emit = <U>(op: Emitter<U>, inputs: readonly U[]) => U

/** The recording reader of a tape. */
export function recorder(tape: Tape): Recorder {
  const constants = new Map<string, Node>()
  const add = (
    name: string,
    inputs: readonly Node[],
    shape: readonly number[],
    rule: (op: Recorder) => Rule,
    emit: Emit,
    dtype: NodeType = 'float32',
  ): Node => tape.add({ name, inputs, shape, dtype, rule: (...args) => rule(op)(...args), emit })
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
    add(name, [a, b], broadcast(a.shape, b.shape), rules.constant, (o, [x, y]) => o[name](x!, y!), 'bool')
  const reduction =
    (name: 'sum' | 'mean' | 'max') =>
    (x: Node, axis: number, keepDims = false) => {
      const at = axisOf(x.shape, axis)
      return add(name, [x], reduced(x.shape, at, keepDims), rules[name](at), (o, [a]) => o[name](a!, at, keepDims))
    }

  const op: Recorder = {
    constant: (value) =>
      once(`scalar ${value}`, () => add(`constant ${value}`, [], [], rules.constant, (o) => o.constant(value))),
    table: (values, shape) =>
      once(`table ${shape.join()}: ${values.join()}`, () =>
        add('table', [], shape, rules.constant, (o) => o.table(values, shape)),
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
    oneHot: (ids, depth) =>
      add('oneHot', [ids], [...ids.shape, depth], rules.constant, (o, [i]) => o.oneHot(i!, depth)),
    topk: (x, k) => add('topk', [x], [...x.shape.slice(0, -1), k], rules.constant, (o, [a]) => o.topk(a!, k), 'int32'),
    float: (x) => add('float', [x], x.shape, rules.float, (o, [a]) => o.float(a!)),
    equal: (a, b) => add('equal', [a, b], broadcast(a.shape, b.shape), rules.constant, (o, [x, y]) => o.equal(x!, y!)),
    scatterRows: (ids, g, shape) =>
      add('scatterRows', [ids, g], shape, rules.constant, (o, [i, x]) => o.scatterRows(i!, x!, shape)),
    pick: (x, ids) => add('pick', [x, ids], ids.shape, rules.constant, (o, [a, i]) => o.pick(a!, i!)),
    addAt: (x, ids, values) =>
      add('addAt', [x, ids, values], x.shape, rules.constant, (o, [a, i, v]) => o.addAt(a!, i!, v!)),
    rotary: (x, cos, sin) =>
      add('rotary', [x, cos, sin], x.shape, rules.rotary, (o, [a, c, s]) => o.rotary(a!, c!, s!)),
    quantize: (x, scale, dtype) =>
      add('quantize', [x, scale], x.shape, rules.constant, (o, [a, s]) => o.quantize(a!, s!, dtype), dtype),
    dequantize: (x, scale) =>
      add('dequantize', [x, scale], x.shape, rules.constant, (o, [a, s]) => o.dequantize(a!, s!)),
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
    scan: (step, carry, xs, axis) => scan(op, step, carry, xs, axis),
    chunkedScan: (step, carry, xs, chunk) => chunkedScan(op, step, carry, xs, chunk.length),
  }
  return op
}

/** The parts of a split know each other: their derivatives are joined once, not padded one by one. */
function split(tape: Tape, op: Recorder, x: Node, sizes: readonly number[], axis: number): Node[] {
  if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis])
    throw new ShapeError(`split: parts [${sizes.join(', ')}] do not make axis ${axis} of [${x.shape.join(', ')}]`)
  const parts = { nodes: [] as Node[], sizes, axis }
  for (const [i, size] of sizes.entries()) {
    const shape = x.shape.map((d, j) => (j === axis ? size : d))
    const start = sizes.slice(0, i).reduce((a, b) => a + b, 0)
    parts.nodes.push(
      tape.add({
        name: 'split',
        inputs: [x],
        shape,
        dtype: x.dtype,
        parts,
        rule: (_, _node, g) => [op.slice(g, axis, start, start + size)],
        emit: (o, [a]) => o.slice(a!, axis, start, start + size),
      }),
    )
  }
  return parts.nodes
}

/** The loop, unrolled: sizes are known. */
function scan(op: Recorder, ...[step, first, xs, axis]: Parameters<Primitives<Node>['scan']>) {
  const time = xs[0]!.shape[axis]!
  const rows = xs.map((x) => {
    const shape = x.shape.filter((_, i) => i !== axis)
    return op
      .split(
        x,
        Array.from({ length: time }, () => 1),
        axis,
      )
      .map((row) => op.reshape(row, shape))
  })
  let carry = first
  const ys: Node[][] = []
  for (let t = 0; t < time; t++) {
    const out = step(
      carry,
      rows.map((row) => row[t]!),
    )
    carry = fixed(carry, out.carry)
    out.y.forEach((y, i) => (ys[i] ??= []).push(op.reshape(y, y.shape.toSpliced(axis, 0, 1))))
  }
  return { carry, ys: ys.map((y) => (y.length === 1 ? y[0]! : op.concat(y, axis))) }
}

function chunkedScan(
  op: Recorder,
  step: Parameters<Primitives<Node>['chunkedScan']>[0],
  first: Node[],
  xs: Node[],
  length: number,
) {
  const time = xs[0]!.shape[1]!
  if (time % length !== 0) throw new ShapeError(`chunkedScan: expected time to be a multiple of ${length}, got ${time}`)
  let carry = first
  const ys: Node[][] = []
  for (let start = 0; start < time; start += length) {
    const out = step(
      carry,
      xs.map((x) => op.slice(x, 1, start, start + length)),
    )
    carry = fixed(carry, out.carry)
    out.y.forEach((y, i) => (ys[i] ??= []).push(y))
  }
  return { carry, ys: ys.map((y) => (y.length === 1 ? y[0]! : op.concat(y, 1))) }
}

/** The contract of every loop: what is carried keeps its shape. */
function fixed(before: Node[], after: Node[]): Node[] {
  for (const [i, node] of after.entries())
    if (node.shape.join() !== before[i]!.shape.join())
      throw new ShapeError(`carry ${i}: expected [${before[i]!.shape.join(', ')}], got [${node.shape.join(', ')}]`)
  return after
}
