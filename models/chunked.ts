/**
 * Composites for backends that know the shapes of their tensors: matrix products over chunks of time instead of a loop
 * over tokens. Tests hold them equal to composites.ts.
 */
import { attend } from './composites.ts'
import type { Composites, GatedAttention, GatedDelta, Ops, Primitives, WindowAttention } from './ops.ts'

/** Tokens of one chunk of a gated delta memory. With a decay per channel exp(-G) has to stay finite in float32. */
const DELTA_CHUNK = { head: 32, channel: 16 } as const

/** Tokens of one chunk of linear attention with a decay for each head, which is never divided by. */
const ATTENTION_CHUNK = 32

/** Computes (I + A)^-1; a backend may give it a derivative rule of its own. */
export type UnitInverse<T> = (a: T, size: number) => T

/** The chunked overrides of a backend, whose own `op` has the default composites and `shapeOf` its shapes. */
export function chunkedComposites<T>(
  op: Ops<T>,
  shapeOf: (x: T) => readonly number[],
  inverse: UnitInverse<T> = (a, size) => unitInverse(op, a, size, shapeOf(a)[1]!, shapeOf(a)[2]!),
): Pick<Composites<T>, 'gatedAttention' | 'gatedDelta' | 'windowAttention'> {
  return {
    gatedAttention: (x) => chunkedGatedAttention(op, x, shapeOf(x.q)[1]!),
    gatedDelta: (x) => chunkedGatedDelta(op, inverse, x, shapeOf(x.q)[1]!, DELTA_CHUNK[x.decay]),
    windowAttention(x) {
      const [, heads, time] = shapeOf(x.q) as [number, number, number]
      const blocks = time > x.window && time % x.window === 0 && !x.always
      return blocks ? blockedWindowAttention(op, x, time, heads) : op.windowAttention(x)
    },
  }
}

/**
 * Gated delta rule in chunks (the WY form of Yang et al. 2024, arXiv 2406.06484 and 2412.06464). Any T: what remains
 * after the whole chunks of `chunk` tokens (a power of two) is computed in smaller chunks.
 */
function chunkedGatedDelta<T>(
  op: Primitives<T>,
  inverse: UnitInverse<T>,
  x: GatedDelta<T>,
  time: number,
  chunk: number,
): { y: T; memory: T } {
  return inChunks(op, x.memory, time, chunk, (piece, memory, count, size) => {
    const part = { ...x, q: piece(x.q), k: piece(x.k), v: piece(x.v), g: piece(x.g), beta: piece(x.beta), memory }
    return chunks(op, inverse, part, count, size)
  })
}

/** Runs `step` over all whole chunks of `chunk` tokens, then over what remains in chunks of half the size, and so on. */
function inChunks<T>(
  op: Primitives<T>,
  first: T,
  time: number,
  chunk: number,
  step: (piece: (t: T) => T, memory: T, count: number, size: number) => { y: T; memory: T },
): { y: T; memory: T } {
  const ys: T[] = []
  let [memory, start] = [first, 0]
  for (let size = chunk; start < time; size /= 2) {
    const count = Math.floor((time - start) / size)
    if (count === 0) continue
    const [from, end] = [start, start + count * size]
    const piece = (t: T): T => (from === 0 && end === time ? t : op.slice(t, 1, from, end))
    const done = step(piece, memory, count, size)
    ys.push(done.y)
    memory = done.memory
    start = end
  }
  return { y: ys.length === 1 ? ys[0]! : op.concat(ys, 1), memory }
}

/** Linear attention with a decay in chunks (Dao & Gu 2024, arXiv 2405.21060, section 6). Any T. */
function chunkedGatedAttention<T>(op: Primitives<T>, x: GatedAttention<T>, time: number): { y: T; memory: T } {
  const { heads, keys, values } = x
  return inChunks(op, x.memory, time, ATTENTION_CHUNK, (piece, memory, count, size) => {
    const split = (t: T, width: number): T =>
      op.reshape(op.transpose(piece(t), [0, 2, 1, 3]), [0, heads, count, size, width]) //     (B, H, N, C, width)
    const flip = (t: T): T => op.transpose(t, [0, 1, 2, 4, 3])
    const [q, k, v] = [split(x.q, keys), split(x.k, keys), split(x.v, values)]
    const { lower, mask } = triangles(op, size)
    const total = op.matmul(lower, split(x.g, 1)) //                                          running log decay
    const end = op.slice(total, 3, size - 1) //                                               (B, H, N, 1, 1)
    const decay = op.exp(op.add(op.mul(op.sub(total, flip(total)), lower), mask)) //          (B, H, N, C, C)
    const own = op.matmul(op.mul(op.matmul(q, flip(k)), decay), v) //                         of the chunk's own tokens
    const writes = op.matmul(flip(op.mul(k, op.exp(op.sub(end, total)))), v) //               (B, H, N, K, V)
    const { carry, ys } = op.scan(
      ([now], [query, write, shrink]) => ({
        carry: [op.add(op.mul(now!, shrink!), write!)],
        y: [op.matmul(query!, now!)],
      }),
      [memory],
      [op.mul(q, op.exp(total)), writes, op.exp(end)],
      2,
    )
    const y = op.reshape(op.add(own, ys[0]!), [0, heads, count * size, values]) //            (B, H, T, V)
    return { y: op.transpose(y, [0, 2, 1, 3]), memory: carry[0]! }
  })
}

/** `count` chunks of `size` tokens. Inside: (B, H, count, size, ...). */
function chunks<T>(op: Primitives<T>, inverse: UnitInverse<T>, x: GatedDelta<T>, count: number, size: number) {
  const { heads, keys, values } = x
  const channels = x.decay === 'channel' ? keys : 1
  const split = (t: T, width: number): T => op.reshape(op.transpose(t, [0, 2, 1, 3]), [0, heads, count, size, width]) //             (B, H, N, C, width)
  const flip = (t: T): T => op.transpose(t, [0, 1, 2, 4, 3])
  const [q, k, v] = [split(x.q, keys), split(x.k, keys), split(x.v, values)]
  const [g, beta] = [split(x.g, channels), split(x.beta, 1)]
  const { lower, strict, mask } = triangles(op, size)

  const total = op.matmul(lower, g) //                                                       running log decay
  const grow = op.exp(total)
  const end = op.slice(total, 3, size - 1) //                                                (B, H, N, 1, .)
  const kIn = op.mul(k, grow)
  const qIn = op.mul(q, grow)
  const kOut = op.mul(k, op.exp(op.sub(end, total)))
  let a: T, p: T
  if (x.decay === 'head') {
    const decay = op.exp(op.add(op.mul(op.sub(total, flip(total)), lower), mask)) //         (B, H, N, C, C)
    a = op.mul(op.mul(op.matmul(k, flip(k)), decay), strict)
    p = op.mul(op.matmul(q, flip(k)), decay)
  } else {
    const kBack = flip(op.mul(k, op.exp(op.neg(total)))) //          exp(-G) is bounded by the decay's lower bound
    a = op.mul(op.matmul(kIn, kBack), strict)
    p = op.mul(op.matmul(qIn, kBack), lower)
  }
  const t = inverse(op.mul(a, beta), size)
  const u = op.matmul(t, op.mul(v, beta)) //                                                 (B, H, N, C, V)
  const w = op.matmul(t, op.mul(kIn, beta)) //                                               (B, H, N, C, K)
  const shrink = op.transpose(op.exp(end), [0, 1, 2, 4, 3]) //                               (B, H, N, ., 1)

  const { carry, ys } = op.scan(
    ([memory], [u, w, p, end, query, writer]) => {
      const written = op.sub(u!, op.matmul(w!, memory!)) //                                  (B, H, C, V)
      const y = op.add(op.matmul(query!, memory!), op.matmul(p!, written))
      return { carry: [op.add(op.mul(memory!, end!), op.matmul(writer!, written))], y: [y] }
    },
    [x.memory],
    [u, w, p, shrink, qIn, op.transpose(kOut, [0, 1, 2, 4, 3])],
    2,
  )
  const y = op.reshape(ys[0]!, [0, heads, count * size, values]) //                          (B, H, T, V)
  return { y: op.transpose(y, [0, 2, 1, 3]), memory: carry[0]! }
}

/** The lower triangle, the strictly lower one, and a mask added before exp so that nothing overflows above them. */
function triangles<T>(op: Primitives<T>, size: number) {
  const of = (value: (row: number, column: number) => number): T =>
    op.table(
      Array.from({ length: size * size }, (_, i) => value(Math.floor(i / size), i % size)),
      [size, size],
    )
  return {
    lower: of((r, c) => (c <= r ? 1 : 0)),
    strict: of((r, c) => (c < r ? 1 : 0)),
    mask: of((r, c) => (c <= r ? 0 : -1e4)),
  }
}

/**
 * (I + A)^-1 for strictly lower triangular A (B, H, N, size, size), by merging diagonal blocks pairwise. The Neumann
 * product (I - A)(I + A^2)(I + A^4)... is shorter and fails in float32 when keys repeat: powers of A grow where the
 * inverse does not.
 */
export function unitInverse<T>(op: Primitives<T>, a: T, size: number, heads: number, count: number): T {
  const first = op.reshape(op.slice(a, 4, 0, 1), [0, heads, count * size, 1, 1])
  let inverse = op.add(op.mul(first, op.constant(0)), op.constant(1)) //                     ones: 1x1 blocks inverted
  for (let block = 1; block < size; block *= 2) {
    const pairs = size / block / 2
    const both = op.reshape(inverse, [0, heads, count * pairs, 2, block, block])
    const pick = (i: number): T => op.reshape(op.slice(both, 3, i, i + 1), [0, heads, count * pairs, block, block])
    const [first, second] = [pick(0), pick(1)]
    const below = lowerBlocks(op, a, block, size, heads, count)
    const corner = op.neg(op.matmul(second, op.matmul(below, first)))
    const top = op.concat([first, op.mul(first, op.constant(0))], 4)
    inverse = op.concat([top, op.concat([corner, second], 4)], 3)
  }
  return op.reshape(inverse, [0, heads, count, size, size])
}

/** The blocks below the diagonal that join pairs of diagonal blocks: (B, H, N * pairs, block, block). */
function lowerBlocks<T>(op: Primitives<T>, a: T, block: number, size: number, heads: number, count: number): T {
  const found: T[] = []
  for (let start = 0; start < size; start += 2 * block) {
    const rows = op.slice(a, 3, start + block, start + 2 * block)
    found.push(op.reshape(op.slice(rows, 4, start, start + block), [0, heads, count, 1, block, block]))
  }
  return op.reshape(found.length === 1 ? found[0]! : op.concat(found, 3), [0, heads, -1, block, block])
}

/**
 * Window attention over blocks of `window` queries, each seeing its own block and the one before: 2 W keys a query
 * instead of T. Needs T to be a multiple of the window.
 */
function blockedWindowAttention<T>(op: Ops<T>, x: WindowAttention<T>, time: number, heads: number) {
  const { window, channels } = x
  const count = time / window
  const split = (t: T): T => op.reshape(t, [0, heads, count, window, channels])
  const before = (past: T, now: T): T =>
    split(count === 1 ? past : op.concat([past, op.slice(now, 2, 0, time - window)], 2))
  const keys = op.concat([before(x.past.k, x.k), split(x.k)], 3) //                          (B, H, N, 2W, C)
  const values = op.concat([before(x.past.v, x.v), split(x.v)], 3)
  const column = op.reshape(op.iota(keys, 3), [1, -1]) //                                    (1, 2W)
  const q = split(x.q)
  const row = op.reshape(op.add(op.iota(q, 3), op.constant(window)), [-1, 1]) //             (W, 1)
  const causal = op.and(op.less(column, op.add(row, op.constant(1))), op.less(op.sub(row, op.constant(window)), column))
  const empty = op.sub(op.constant(window - 0.5), op.reshape(x.filled, [0, 1, 1, 1, 1])) //  (B, 1, 1, 1, 1)
  const position = op.add(column, op.mul(op.reshape(op.iota(q, 2), [-1, 1, 1]), op.constant(window))) // (N, 1, 2W)
  const allowed = op.and(causal, op.less(empty, position)) //                               (B, 1, N, W, 2W)
  const rotated = { rope: x.rope, channels }
  const y = attend(
    op,
    op.rotate(q, row, { ...rotated, scale: 1 / Math.sqrt(channels) }),
    op.rotate(keys, op.reshape(column, [-1, 1]), { ...rotated, scale: 1 }),
    values,
    allowed,
    5,
  )
  const last = (t: T): T => op.slice(t, 2, -window)
  return { y: op.reshape(y, [0, heads, time, channels]), k: last(x.k), v: last(x.v) }
}
