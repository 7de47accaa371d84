/**
 * A memory layer: tokens attend to the rows of a bank, all of them or the chapters that a router chooses. What is
 * chosen is exact, what is not chosen is computed too and weighted by nothing: this saves no work, but any batch and
 * any time give the same numbers.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { type KeysAndValues, project, projectionParams } from './memory-bank.ts'
import { innerWidth, keyHeads, type MemoryBankConfig, rowWidth } from './placement.ts'
import { route, routerParams, routerState, type Routes } from './router.ts'

export function memoryLayerParams(c: MemoryBankConfig, width: number) {
  const [inner, row, rank] = [innerWidth(c, width), rowWidth(c, width), c.projectionRank]
  const shared = (inner / c.memoryHeads) * keyHeads(c)
  return {
    query: projectionParams(width, inner, rank),
    key: projectionParams(row, shared, rank),
    value: projectionParams(row, shared, rank),
    output: projectionParams(inner, width, rank, c.zeroOutput),
    ...(c.chapters === 0 ? {} : { router: routerParams(c, width) }),
  }
}

/** What its router remembers. */
export const memoryLayerState = (c: MemoryBankConfig) => (c.chapters === 0 ? {} : routerState(c))

type Params<T> = Of<ReturnType<typeof memoryLayerParams>, T>
type State<T> = Of<ReturnType<typeof memoryLayerState>, T>

export interface MemoryRead<T> {
  readonly y: T
  readonly state: State<T>
  readonly loss?: T
}

/** x (B,T,D), normalised, and what the layer called `name` reads -> y (B,T,D). */
export function memoryLayer<T>(
  op: Ops<T>,
  c: MemoryBankConfig,
  width: number,
  name: string,
  p: Params<T>,
  { keys, values }: KeysAndValues<T>,
  x: T,
  past: State<T>,
): MemoryRead<T> {
  const found = p.router && route(op, c, p.router, x, past)
  if (found) op.tap(found.routes.weights, `${name}.router`)
  const channels = innerWidth(c, width) / c.memoryHeads
  const heads = Array.from({ length: c.memoryHeads }, () => channels)
  const group = c.memoryHeads / keyHeads(c)
  const read = project(op, p.query, x, heads).map((query, head) => {
    const at = Math.floor(head / group)
    const scores = op.matmul(query, keys[at]!) //                                               (B, T, N)
    const shares = op.tap(found ? chapterShares(op, c, scores, found.routes) : op.softmax(scores), `${name}.${head}`)
    return op.matmul(shares, values[at]!) //                                                    (B, T, C)
  })
  const joined = read.length === 1 ? read[0]! : op.concat(read, -1)
  const y = project(op, p.output, joined, [width])[0]!
  const loss = found?.routes.loss
  return { y, state: found?.state ?? {}, ...(loss === undefined ? {} : { loss }) }
}

/**
 * How much of each row is read. By tokens: a softmax within each chapter, the chapters mixed by their weights. By
 * windows or rows: chosen rows are multiplied by the weight of their chapter, and one softmax runs over them all.
 */
function chapterShares<T>(op: Ops<T>, c: MemoryBankConfig, scores: T, { weights, chosen }: Routes<T>): T {
  const inChapters = op.reshape(scores, [0, 0, c.chapters, c.rows / c.chapters]) //            (B, T, chapters, .)
  const wide = (x: T): T => op.reshape(x, [0, 0, c.chapters, 1])
  const flat = (x: T): T => op.reshape(x, [0, 0, c.rows])
  if (c.routing === 'token') return flat(op.mul(op.softmax(inChapters), wide(weights)))
  const mask = op.mul(op.sub(chosen, op.constant(1)), op.constant(1e9))
  const shares = op.softmax(flat(op.add(op.mul(inChapters, wide(weights)), wide(mask))))
  const scaled = op.mul(op.reshape(shares, [0, 0, c.chapters, c.rows / c.chapters]), wide(weights))
  return flat(scaled)
}
