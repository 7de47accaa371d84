/** The backend that writes ONNX: each primitive adds nodes to the graph, with batch and time left open. */
import type { Primitives } from '../models/ops.ts'
import type { Attribute, Domain, GraphBuilder, Value } from './onnx/graph.ts'
import type { Message } from './onnx/protobuf.ts'

/** Where nodes go now: bodies of loops are graphs of their own. */
export interface Cursor {
  at: GraphBuilder
}

/** Larger than any axis: ONNX's way to say "to the end". */
const END = 2 ** 31 - 1

/** Primitives over ONNX values. */
export function tracer(cursor: Cursor): Primitives<Value> {
  const one = (
    type: string,
    inputs: readonly Value[],
    attributes?: Record<string, Attribute>,
    domain?: Domain,
  ): Value => cursor.at.node(type, inputs, attributes, 1, domain)[0]!
  const unary = (type: string) => (x: Value) => one(type, [x])
  const binary = (type: string) => (a: Value, b: Value) => one(type, [a, b])
  const ints = (values: readonly number[]) => cursor.at.constant('int64', [values.length], values)
  const scalar = (value: number) => cursor.at.constant('float32', [], [value])
  const reduce =
    (type: string) =>
    (x: Value, axis: number, keepDims = false) =>
      one(type, [x, ints([axis])], { keepdims: { int: keepDims ? 1 : 0 } })

  const op: Primitives<Value> = {
    constant: scalar,
    table: (values, shape) => cursor.at.constant('float32', shape, values),
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    maximum: binary('Max'),
    minimum: binary('Min'),
    neg: unary('Neg'),
    exp: unary('Exp'),
    log: unary('Log'),
    sqrt: unary('Sqrt'),
    sin: unary('Sin'),
    cos: unary('Cos'),
    tanh: unary('Tanh'),
    sigmoid: unary('Sigmoid'),
    softplus: unary('Softplus'),
    gelu: unary('Gelu'),
    round: unary('Round'),
    matmul: binary('MatMul'),
    sum: reduce('ReduceSum'),
    mean: reduce('ReduceMean'),
    max: reduce('ReduceMax'),
    softmax: (x) => one('Softmax', [x], { axis: { int: -1 } }),
    cumsum: (x, axis) => one('CumSum', [x, cursor.at.constant('int64', [], [axis])]),
    gather: (table, ids) => one('Gather', [table, ids]),
    int32: (x) => one('Cast', [x], { to: { int: 6 } }),
    oneHot: (ids, depth) =>
      // ONNX Runtime has a kernel for int32 ids only where the depth is int32 too
      one('OneHot', [ids, cursor.at.constant('int32', [], [depth]), cursor.at.constant('float32', [2], [0, 1])], {
        axis: { int: -1 },
      }),
    topk: (x, k) => one('Cast', [cursor.at.node('TopK', [x, ints([k])], {}, 2)[1]!], { to: { int: 6 } }),
    concat: (xs, axis) => one('Concat', xs, { axis: { int: axis } }),
    split: (x, sizes, axis) => cursor.at.node('Split', [x, ints(sizes)], { axis: { int: axis } }, sizes.length),
    transpose: (x, perm) => one('Transpose', [x], { perm: { ints: perm } }),
    reshape: (x, shape) => one('Reshape', [x, ints(shape)]),
    slice: (x, axis, start, end = END) => one('Slice', [x, ints([start]), ints([end]), ints([axis])]),
    iota: (x, axis) => one('Range', [scalar(0), one('Cast', [size(x, axis)], { to: { int: 1 } }), scalar(1)]),
    less: binary('Less'),
    and: binary('And'),
    where: (condition, a, b) => one('Where', [condition, a, b]),
    detach: (x) => x,
    scan: (step, carry, xs, axis) => {
      const inputs = xs.map((value) => ({ value, axis }))
      return scan(cursor, { step, carry, xs: inputs, outputAxis: () => axis, reverse: false })
    },
    chunkedScan: (step, carry, xs, chunk) => chunkedScan(cursor, size, step, carry, xs, chunk),
  }
  /** int64 scalar: the size of one axis. */
  function size(x: Value, axis: number): Value {
    const bounds: Record<string, Attribute> = { start: { int: axis } }
    if (axis !== -1) bounds['end'] = { int: axis + 1 }
    return one('Squeeze', [one('Shape', [x], bounds), ints([0])])
  }
  return op
}

/** A loop whose steps are equal, as ONNX's Scan runs it. */
export interface ScanLoop<T> {
  readonly carry: readonly T[]
  /** Each is sliced along its axis, one slice a step. */
  readonly xs: readonly { readonly value: T; readonly axis: number }[]
  step(carry: T[], x: T[]): { carry: T[]; y: T[] }
  /** The axis along which the i-th `y` is stacked. */
  outputAxis(i: number): number
  /** Whether the loop runs from the last slices to the first; outputs keep the order of the slices. */
  readonly reverse: boolean
}

/** ONNX Scan: the body is traced once in a child graph that sees the outer values. */
export function scan(cursor: Cursor, loop: ScanLoop<Value>) {
  const { carry, xs, reverse } = loop
  const outer = cursor.at
  const { body, carryIn, xIn, out } = inChild(cursor, carry.length, xs.length, loop)
  const name = body.fresh('body')
  const graph = () => body.encode(name, [...carryIn, ...xIn], [...out.carry, ...out.y])
  const backwards = {
    scan_input_directions: { ints: xs.map(() => 1) },
    scan_output_directions: { ints: out.y.map(() => 1) },
  }
  const results = outer.node(
    'Scan',
    [...carry, ...xs.map(({ value }) => value)],
    {
      body: { graph },
      num_scan_inputs: { int: xs.length },
      scan_input_axes: { ints: xs.map(({ axis }) => axis) },
      scan_output_axes: { ints: out.y.map((_, i) => loop.outputAxis(i)) },
      ...(reverse ? backwards : {}),
    },
    carry.length + out.y.length,
  )
  return { carry: results.slice(0, carry.length), ys: results.slice(carry.length) }
}

/** Traces a step in a child graph. Outputs get nodes of their own, so a body may return what it was given. */
function inChild(cursor: Cursor, carries: number, inputs: number, loop: Pick<ScanLoop<Value>, 'step'>) {
  const outer = cursor.at
  const body = outer.child()
  cursor.at = body
  try {
    const carryIn = Array.from({ length: carries }, () => ({ name: body.fresh('carry') }))
    const xIn = Array.from({ length: inputs }, () => ({ name: body.fresh('x') }))
    const raw = loop.step(carryIn, xIn)
    const own = (v: Value): Value => body.node('Identity', [v])[0]!
    return { body, carryIn, xIn, out: { carry: raw.carry.map(own), y: raw.y.map(own) } }
  } finally {
    cursor.at = outer
  }
}

/**
 * ONNX Loop over pieces of time whose length depends on the fullest row. Scan outputs must keep one shape, pieces do
 * not: so the outputs are loop-carried and grow by concatenation, starting empty.
 */
function chunkedScan(
  cursor: Cursor,
  size: (x: Value, axis: number) => Value,
  ...[step, carry, xs, chunk]: Parameters<Primitives<Value>['chunkedScan']>
) {
  const outer = cursor.at
  const node = (type: string, inputs: readonly Value[], attributes?: Record<string, Attribute>): Value =>
    cursor.at.node(type, inputs, attributes)[0]!
  const int = (value: number) => cursor.at.constant('int64', [1], [value])
  const whole = (v: Value): Value => node('Reshape', [node('Cast', [v], { to: { int: 7 } }), int(-1)])
  const time = node('Reshape', [size(xs[0]!, 1), int(-1)])
  const start = int(0)
  const first = emptyOutputs()
  const body = outer.child()
  cursor.at = body
  let graph: () => Message
  try {
    const iteration = { name: body.fresh('iteration') }
    const go = { name: body.fresh('go') }
    const position = { name: body.fresh('position') }
    const carryIn = carry.map(() => ({ name: body.fresh('carry') }))
    const grownIn = first.map(() => ({ name: body.fresh('grown') }))
    const room = whole(node('ReduceMin', [chunk.room(carryIn)], { keepdims: { int: 0 } }))
    const until = node('Min', [node('Add', [position, room]), time])
    const part = xs.map((x) => node('Slice', [x, position, until, int(1)]))
    const out = step(carryIn, part)
    const grown = out.y.map((y, i) => node('Concat', [grownIn[i]!, y], { axis: { int: 1 } }))
    const more = node('Squeeze', [node('Less', [until, time])])
    const own = (v: Value): Value => node('Identity', [v])
    const name = body.fresh('body')
    const inputs = [
      { ...iteration, dtype: 'int64', shape: [] },
      { ...go, dtype: 'bool', shape: [] },
      { ...position, dtype: 'int64', shape: [1] },
      ...carryIn,
      ...grownIn,
    ] as const
    const outputs = [more, own(until), ...out.carry.map(own), ...grown]
    graph = () => body.encode(name, inputs, outputs)
  } finally {
    cursor.at = outer
  }
  const results = outer.node(
    'Loop',
    [cursor.at.constant('int64', [], [END]), cursor.at.constant('bool', [], [1]), start, ...carry, ...first],
    { body: { graph } },
    1 + carry.length + first.length,
  )
  return { carry: results.slice(1, 1 + carry.length), ys: results.slice(1 + carry.length) }

  /** Nothing yet: (B, 0, ...widths). */
  function emptyOutputs(): Value[] {
    const batch = node('Shape', [xs[0]!], { start: { int: 0 }, end: { int: 1 } })
    return chunk.outputs.map((widths) => {
      const shape = node('Concat', [batch, cursor.at.constant('int64', [1 + widths.length], [0, ...widths])], {
        axis: { int: 0 },
      })
      return node('ConstantOfShape', [shape])
    })
  }
}
