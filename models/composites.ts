/** The default bodies of the composites, in primitives only: what each of them means. */
import { cachedAttention, gatedAttention, linear, rotary, sharedAttention } from './attention-composites.ts'
import { allExperts } from './expert-composites.ts'
import type {
  CausalConv,
  Composites,
  GatedDelta,
  Ops,
  Primitives,
  Rotation,
  SelectiveScan,
  WindowAttention,
} from './ops.ts'

/** The smallest magnitude by which a quantised row is divided, for rows of zeros. */
export const SMALLEST_ROW = 1e-8

/** All operations of a backend: its primitives, the default composites, and its own overrides of composites. */
export function withComposites<T>(op: Primitives<T>, overrides: Partial<Composites<T>> = {}): Ops<T> {
  const composites: Composites<T> = {
    rmsNorm(x, weight, eps) {
      const square = op.mean(op.mul(x, x), -1, true)
      return op.mul(op.div(x, op.sqrt(op.add(square, op.constant(eps)))), weight)
    },
    layerNorm(x, weight, bias, eps) {
      const centred = op.sub(x, op.mean(x, -1, true))
      const variance = op.mean(op.mul(centred, centred), -1, true)
      return op.add(op.mul(op.div(centred, op.sqrt(op.add(variance, op.constant(eps)))), weight), bias)
    },
    silu: (x) => op.mul(x, op.sigmoid(x)),
    zerosLike: (x) => op.mul(x, op.constant(0)),
    l2Normalize: (x) => op.div(x, op.sqrt(op.add(op.sum(op.mul(x, x), -1, true), op.constant(1e-6)))),
    causalConv: (x) => causalConv(all, x),
    linear: (x, weight, bias) => linear(op, x, weight, bias),
    linears: (x, parts) => parts.map(({ weight, bias }) => all.linear(x, weight, bias)),
    cachedAttention: (x) => cachedAttention(op, x),
    sharedAttention: (x) => sharedAttention(op, x),
    rotary: (x, how) => rotary(op, x, how),
    gatedAttention: (x) => gatedAttention(op, x),
    gatedDelta: (x) => gatedDelta(op, x),
    selectiveScan: (x) => selectiveScan(op, x),
    mixtureOfExperts: (x) => allExperts(op, x),
    windowAttention: (x) => windowAttention(all, x),
    rotate: (x, positions, how) => rotate(op, x, positions, how),
    dropout: (x) => x,
    tap: (x) => x,
    addLoss: () => {},
    layerHook: (x) => x,
    precompute: (_name, _shapes, make) => make(),
    quantised: (x, bits) => quantised(op, x, bits),
  }
  const all: Ops<T> = { ...op, ...composites, ...overrides }
  return all
}

function quantised<T>(op: Primitives<T>, x: T, bits: 4 | 8): T {
  const largest = op.maximum(op.max(op.maximum(x, op.neg(x)), -1, true), op.constant(SMALLEST_ROW))
  const step = op.div(largest, op.constant(2 ** (bits - 1) - 1))
  const rounded = op.mul(op.round(op.div(x, step)), step)
  return op.add(op.detach(rounded), op.sub(x, op.detach(x))) //   adds exactly zero, with the derivative of x
}

function causalConv<T>(op: Ops<T>, { x, weight, bias, past, size, activation = 'silu' }: CausalConv<T>) {
  const window = op.concat([op.transpose(past, [0, 2, 1]), x], 1) //                        (B, K-1+T, C)
  let y: T | undefined
  for (let tap = 0; tap < size; tap++) {
    const last = tap === size - 1
    const shifted = last ? op.slice(window, 1, tap) : op.slice(window, 1, tap, tap - size + 1) // (B, T, C)
    const term = op.mul(shifted, op.slice(weight, 0, tap, tap + 1))
    y = y === undefined ? term : op.add(y, term)
  }
  const before = bias === undefined ? y! : op.add(y!, bias)
  const after = activation === 'silu' ? op.silu(before) : before
  return { y: after, past: op.transpose(op.slice(window, 1, 1 - size), [0, 2, 1]) }
}

/** The recurrence as the paper writes it, one token a step. */
function gatedDelta<T>(op: Primitives<T>, x: GatedDelta<T>) {
  const { carry, ys } = op.scan(
    ([memory], [q, k, v, g, beta]) => {
      const decayed = op.mul(memory!, op.reshape(op.exp(g!), [0, 0, -1, 1])) //              (B, H, K, V)
      const recalled = op.matmul(op.reshape(k!, [0, 0, 1, -1]), decayed) //                  (B, H, 1, V)
      const wrong = op.sub(op.reshape(v!, [0, 0, 1, -1]), recalled)
      const write = op.mul(op.reshape(k!, [0, 0, -1, 1]), op.mul(wrong, op.reshape(beta!, [0, 0, 1, 1])))
      const next = op.add(decayed, write)
      const y = op.matmul(op.reshape(q!, [0, 0, 1, -1]), next) //                            (B, H, 1, V)
      // ONNX Runtime must be able to infer the shape of a Scan's outputs, also in a Loop whose carries have none
      return { carry: [op.reshape(next, [0, x.heads, x.keys, x.values])], y: [op.reshape(y, [0, 0, -1])] }
    },
    [x.memory],
    [x.q, x.k, x.v, x.g, x.beta],
    1,
  )
  return { y: ys[0]!, memory: carry[0]! }
}

/** One token a step; what does not depend on the memory is computed for all tokens before the loop. */
function selectiveScan<T>(op: Primitives<T>, x: SelectiveScan<T>) {
  const decay = op.exp(op.mul(op.reshape(x.dt, [0, 0, -1, 1]), x.A)) //                      (B, T, E, N)
  const write = op.mul(op.reshape(op.mul(x.dt, x.x), [0, 0, -1, 1]), op.reshape(x.B, [0, 0, 1, -1]))
  const { carry, ys } = op.scan(
    ([memory], [decay, write, c]) => {
      const next = op.add(op.mul(memory!, decay!), write!) //                                (B, E, N)
      const y = op.reshape(op.matmul(next, op.reshape(c!, [0, -1, 1])), [0, -1]) //          (B, E)
      // ONNX Runtime must be able to infer the rank of a Scan's outputs, also in a Loop whose carries have none
      return { carry: [op.reshape(next, [0, x.channels, -1])], y: [y] }
    },
    [x.memory],
    [decay, write, x.C],
    1,
  )
  return { y: ys[0]!, memory: carry[0]! }
}

function windowAttention<T>(op: Ops<T>, x: WindowAttention<T>) {
  const { window } = x
  const keys = op.concat([x.past.k, x.k], 2) //                                              (B, H, W+T, C)
  const values = op.concat([x.past.v, x.v], 2)
  const column = op.reshape(op.iota(keys, 2), [1, -1]) //                                    (1, W+T)
  const row = op.reshape(op.add(op.iota(x.q, 2), op.constant(window)), [-1, 1]) //           (T, 1)
  const empty = op.sub(op.constant(window - 0.5), op.reshape(x.filled, [0, 1, 1, 1])) //     (B, 1, 1, 1)
  const causal = op.and(op.less(column, op.add(row, op.constant(1))), op.less(op.sub(row, op.constant(window)), column))
  const allowed = op.and(causal, op.less(empty, column)) //                                 (B, 1, T, W+T)
  const { rope, channels } = x
  const scale = 1 / Math.sqrt(channels)
  const y = attend(
    op,
    op.rotate(x.q, row, { rope, channels, scale }),
    op.rotate(keys, op.reshape(column, [-1, 1]), { rope, channels, scale: 1 }),
    values,
    allowed,
    4,
    x.always && { q: op.mul(x.q, op.constant(scale)), ...x.always },
  )
  return { y, k: op.slice(keys, 2, -window), v: op.slice(values, 2, -window) }
}

/** softmax(q k') v over the allowed pairs and all pairs of `always`. q is already scaled; `axes` is the rank of q. */
export function attend<T>(
  op: Primitives<T>,
  q: T,
  k: T,
  v: T,
  allowed: T,
  axes: 4 | 5,
  always?: { readonly q: T; readonly k: T; readonly v: T },
): T {
  const swap = axes === 4 ? [0, 1, 3, 2] : [0, 1, 2, 4, 3]
  const score = (q: T, k: T): T => op.matmul(q, op.transpose(k, swap))
  const mask = op.where(allowed, op.constant(0), op.constant(-1e9)) // added to the scores of every head
  const scores = op.add(score(q, k), mask)
  if (!always) return op.matmul(op.softmax(scores), v)
  return op.matmul(op.softmax(op.concat([score(always.q, always.k), scores], -1)), op.concat([always.v, v], -2))
}

function rotate<T>(op: Primitives<T>, x: T, positions: T, how: Rotation): T {
  const half = how.channels / 2
  if (how.rope === null) return how.scale === 1 ? x : op.mul(x, op.constant(how.scale))
  const [cos, sin] = rotation(op, positions, { ...how, rope: how.rope })
  const [a, b] = op.split(x, [half, half], -1) as [T, T]
  return op.concat([op.sub(op.mul(a, cos), op.mul(b, sin)), op.add(op.mul(a, sin), op.mul(b, cos))], -1)
}

/** Cosine and sine of the angles at `positions` (S, 1), times the scale: (S, C/2) each. */
export function rotation<T>(
  op: Primitives<T>,
  positions: T,
  how: Rotation & { readonly rope: number },
): [cos: T, sin: T] {
  const half = how.channels / 2
  const frequencies = Array.from({ length: half }, (_, i) => how.rope ** (-i / half))
  const angle = op.mul(positions, op.table(frequencies, [1, half]))
  const scaled = (x: T): T => (how.scale === 1 ? x : op.mul(x, op.constant(how.scale)))
  return [scaled(op.cos(angle)), scaled(op.sin(angle))]
}
