/** One case for each primitive of the vocabulary: the table that all readers are held to. */
import type { Primitives } from '../../models/ops.ts'

export interface Case {
  readonly name: string
  /** Shapes of the float32 inputs. */
  readonly shapes: readonly (readonly number[])[]
  /** Values are uniform in this range; away from kinks and poles. */
  readonly range?: readonly [number, number]
  /** int32 ids, given as the last input. */
  readonly ids?: { readonly shape: readonly number[]; readonly below: number }
  readonly smooth?: false
  f<T>(op: Primitives<T>, x: readonly T[]): T
}

const three = [[2, 3, 4]] as const
const pair = [
  [2, 3, 4],
  [3, 1],
] as const

/** The shapes of each case broadcast, reduce or reorder something. */
export const cases: readonly Case[] = [
  { name: 'constant', shapes: three, f: (op, [x]) => op.mul(x!, op.constant(1.5)) },
  { name: 'table', shapes: three, f: (op, [x]) => op.mul(x!, op.table([1, -2, 3, 4], [1, 4])) },
  { name: 'add', shapes: pair, f: (op, [a, b]) => op.add(a!, b!) },
  { name: 'sub', shapes: pair, f: (op, [a, b]) => op.sub(a!, b!) },
  { name: 'mul', shapes: pair, f: (op, [a, b]) => op.mul(a!, b!) },
  { name: 'div', shapes: pair, range: [0.5, 2], f: (op, [a, b]) => op.div(a!, b!) },
  { name: 'maximum', shapes: pair, smooth: false, f: (op, [a, b]) => op.maximum(a!, b!) },
  { name: 'minimum', shapes: pair, smooth: false, f: (op, [a, b]) => op.minimum(a!, b!) },
  { name: 'neg', shapes: three, f: (op, [x]) => op.neg(x!) },
  { name: 'exp', shapes: three, f: (op, [x]) => op.exp(x!) },
  { name: 'log', shapes: three, range: [0.5, 2], f: (op, [x]) => op.log(x!) },
  { name: 'sqrt', shapes: three, range: [0.5, 2], f: (op, [x]) => op.sqrt(x!) },
  { name: 'sin', shapes: three, f: (op, [x]) => op.sin(x!) },
  { name: 'cos', shapes: three, f: (op, [x]) => op.cos(x!) },
  { name: 'tanh', shapes: three, f: (op, [x]) => op.tanh(x!) },
  { name: 'sigmoid', shapes: three, f: (op, [x]) => op.sigmoid(x!) },
  { name: 'softplus', shapes: three, f: (op, [x]) => op.softplus(x!) },
  { name: 'gelu', shapes: three, f: (op, [x]) => op.gelu(x!) },
  {
    name: 'round',
    shapes: three,
    smooth: false,
    f: (op, [x]) => op.mul(x!, op.round(op.mul(x!, op.constant(3)))),
  },
  {
    name: 'matmul by a matrix',
    shapes: [
      [2, 3, 4],
      [4, 5],
    ],
    f: (op, [a, b]) => op.matmul(a!, b!),
  },
  {
    name: 'matmul by a matrix for each of the second axis',
    shapes: [
      [2, 3, 2, 4],
      [3, 4, 5],
    ],
    f: (op, [a, b]) => op.matmul(a!, b!),
  },
  {
    name: 'matmul of matrices',
    shapes: [
      [3, 4],
      [4, 5],
    ],
    f: (op, [a, b]) => op.matmul(a!, b!),
  },
  {
    name: 'matmul in batches',
    shapes: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    f: (op, [a, b]) => op.matmul(a!, b!),
  },
  { name: 'sum', shapes: three, f: (op, [x]) => op.sum(x!, 1) },
  { name: 'sum kept', shapes: three, f: (op, [x]) => op.sum(x!, -1, true) },
  { name: 'mean', shapes: three, f: (op, [x]) => op.mean(x!, 0, true) },
  { name: 'max', shapes: three, smooth: false, f: (op, [x]) => op.max(x!, -1) },
  { name: 'softmax', shapes: three, f: (op, [x]) => op.softmax(x!) },
  { name: 'cumsum', shapes: three, f: (op, [x]) => op.cumsum(x!, 1) },
  { name: 'gather', shapes: [[5, 4]], ids: { shape: [2, 3], below: 5 }, f: (op, [x, ids]) => op.gather(x!, ids!) },
  {
    name: 'oneHot',
    shapes: [[2, 3, 5]],
    ids: { shape: [2, 3], below: 5 },
    f: (op, [x, ids]) => op.mul(x!, op.oneHot(ids!, 5)),
  },
  {
    name: 'int32',
    shapes: [[4, 3]],
    smooth: false,
    f: (op, [x]) => op.gather(x!, op.int32(op.iota(x!, 0))),
  },
  {
    name: 'topk',
    shapes: three,
    smooth: false,
    f: (op, [x]) => op.mul(op.reshape(x!, [0, 0, 1, 4]), op.oneHot(op.topk(x!, 2), 4)),
  },
  {
    name: 'concat',
    shapes: [
      [2, 3, 4],
      [2, 1, 4],
    ],
    f: (op, [a, b]) => op.concat([a!, b!, a!], 1),
  },
  {
    name: 'split',
    shapes: three,
    f: (op, [x]) => {
      const [a, b, c] = op.split(x!, [1, 2, 1], -1)
      return op.add(op.mul(a!, b!), c!)
    },
  },
  {
    name: 'split with an unused part',
    shapes: three,
    f: (op, [x]) => op.split(x!, [1, 2], 1)[1]!,
  },
  { name: 'transpose', shapes: three, f: (op, [x]) => op.transpose(x!, [2, 0, 1]) },
  { name: 'reshape', shapes: three, f: (op, [x]) => op.reshape(x!, [0, -1, 2]) },
  { name: 'slice', shapes: three, f: (op, [x]) => op.slice(x!, 1, 1, 2) },
  { name: 'slice from the end', shapes: three, f: (op, [x]) => op.slice(x!, 2, -3, -1) },
  { name: 'iota', shapes: three, f: (op, [x]) => op.mul(x!, op.iota(x!, -1)) },
  { name: 'iota of a middle axis', shapes: three, f: (op, [x]) => op.mul(op.transpose(x!, [0, 2, 1]), op.iota(x!, 1)) },
  {
    name: 'less, and, where',
    shapes: pair,
    smooth: false,
    f: (op, [a, b]) => op.where(op.and(op.less(a!, b!), op.less(op.constant(-0.5), a!)), a!, op.mul(b!, b!)),
  },
  { name: 'detach', shapes: three, smooth: false, f: (op, [x]) => op.mul(x!, op.detach(op.exp(x!))) },
  {
    name: 'scan',
    shapes: [
      [2, 3],
      [2, 4, 3],
    ],
    f(op, [carry, xs]) {
      const out = op.scan(
        ([c], [x]) => {
          const next = op.tanh(op.add(op.mul(c!, op.constant(0.9)), x!))
          return { carry: [next], y: [op.mul(next, x!)] }
        },
        [carry!],
        [xs!],
        1,
      )
      return op.concat([out.ys[0]!, op.reshape(out.carry[0]!, [0, 1, -1])], 1)
    },
  },
  {
    name: 'chunkedScan',
    shapes: [
      [2, 3],
      [2, 4, 3],
    ],
    f(op, [carry, xs]) {
      const out = op.chunkedScan(
        ([c], [x]) => {
          const read = op.mul(x!, op.reshape(c!, [0, 1, -1]))
          return { carry: [op.tanh(op.add(c!, op.sum(x!, 1)))], y: [read] }
        },
        [carry!],
        [xs!],
        { length: 2, outputs: [[3]], room: ([c]) => op.add(op.mul(op.sum(c!, 1), op.constant(0)), op.constant(2)) },
      )
      return op.concat([out.ys[0]!, op.reshape(out.carry[0]!, [0, 1, -1])], 1)
    },
  },
]
