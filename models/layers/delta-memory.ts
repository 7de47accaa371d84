/**
 * Gated delta memory: an associative matrix per head that is corrected, not added to, at every write
 * (Gated DeltaNet, Yang et al. 2024, arXiv 2412.06464; decay per key channel as in Kimi Delta Attention, arXiv 2510.26692).
 */
import type { Ops } from '../ops.ts'
import type { Of, Spec } from '../spec.ts'
import { type CacheConfig, cacheParams, cacheState, exactCache } from './exact-cache.ts'
import { matrix, parameter, stateOf, vector } from '../spec.ts'

export interface DeltaMemoryConfig {
  readonly width: number
  readonly heads: number
  readonly keys: number
  readonly values: number
  /** Taps of the short convolution before q, k and v. */
  readonly conv: number
  readonly decay: 'none' | 'head' | 'channel'
  /** Upper bound of the write strength beta, one per head, repeated: 1 replaces, 2 allows negative eigenvalues. */
  readonly betaMax: readonly number[]
  /** Writes a token makes one after another (DeltaProduct, Siems et al. 2025, arXiv 2502.10297). */
  readonly products: number
  /** Slots of the exact cache; 0 for none. */
  readonly cache: number
  readonly cacheHalfLife: number
}

/** Log decay of one token is never below this, so that products over a chunk of 16 stay in float32. */
const LOWEST_LOG_DECAY = -5

/** Widths of the query, and of the key and value of each write. */
const parts = (c: DeltaMemoryConfig): number[] => [
  c.heads * c.keys,
  ...Array.from({ length: c.products }, () => [c.heads * c.keys, c.heads * c.values]).flat(),
]
const channels = (c: DeltaMemoryConfig): number => parts(c).reduce((sum, width) => sum + width)
const slots = (c: DeltaMemoryConfig): CacheConfig => ({ ...c, slots: c.cache, halfLife: c.cacheHalfLife })
const decays = (c: DeltaMemoryConfig): number => (c.decay === 'channel' ? c.heads * c.keys : c.heads)

export const deltaMemoryParams = (c: DeltaMemoryConfig) => ({
  qkv: matrix([c.width, channels(c)]),
  conv: parameter([c.conv, channels(c)], { kind: 'taps', std: 0.1 }),
  beta: matrix([c.width, c.products * c.heads]),
  betaBias: vector([c.products * c.heads], 0),
  ...(c.decay === 'none'
    ? {}
    : {
        decay: matrix([c.width, decays(c)], 0.02),
        decayRate: parameter([decays(c)], { kind: 'logOfUniform', low: 1, high: 16 }), // log A
        decayBias: parameter([decays(c)], { kind: 'logUniformSoftplus', low: 1e-3, high: 1e-1 }), // dt bias
      }),
  ...(c.cache > 0 ? { cache: cacheParams(slots(c)) } : {}),
  norm: vector([c.values], 1),
  output: matrix([c.heads * c.values, c.width]),
})

interface DeltaMemoryState {
  readonly conv: Spec
  readonly memory: Spec
  readonly cache?: ReturnType<typeof cacheState>
}

export const deltaMemoryState = (c: DeltaMemoryConfig): DeltaMemoryState => ({
  conv: stateOf(channels(c), c.conv - 1),
  memory: stateOf(c.heads, c.keys, c.values),
  ...(c.cache > 0 ? { cache: cacheState(slots(c)) } : {}),
})

type Params<T> = Of<ReturnType<typeof deltaMemoryParams>, T>
type State<T> = Of<ReturnType<typeof deltaMemoryState>, T>

/** x (B,T,D) and the memory before it -> y (B,T,D) and the memory after it. */
export function deltaMemory<T>(op: Ops<T>, c: DeltaMemoryConfig, p: Params<T>, x: T, past: State<T>) {
  const mixed = op.causalConv({ x: op.matmul(x, p.qkv), weight: p.conv, past: past.conv, size: c.conv })
  const perHead = (t: T): T => op.reshape(t, [0, 0, c.heads, -1]) //                            (B, T, H, .)
  const [q, ...pairs] = op
    .split(mixed.y, parts(c), -1)
    .map((y, i) => (i === 0 || i % 2 === 1 ? op.l2Normalize(perHead(y)) : perHead(y))) as [T, ...T[]]
  const betas = strengths(op, c, p, x)
  const decay = perHead(logDecay(op, c, p, x, betas[0]!))
  const writes = betas.map((beta, i) => ({ k: pairs[2 * i]!, v: pairs[2 * i + 1]!, beta: perHead(beta) }))
  const last = writes.at(-1)!
  const none = (t: T): T => op.mul(t, op.constant(0))
  // A write that only reads, with the last key: what the memory would have said
  const all = c.cache === 0 ? writes : [...writes.slice(0, -1), { ...last, beta: none(last.beta) }, last]
  const reads = all.map((_, i) => (i === all.length - 1 ? q : c.cache > 0 && i === all.length - 2 ? last.k : none(q)))
  const inOrder = (width: number, each: readonly T[]): T => interleave(op, c, each, width)
  const done = op.gatedDelta({
    q: inOrder(c.keys, reads),
    k: inOrder(
      c.keys,
      all.map(({ k }) => k),
    ),
    v: inOrder(
      c.values,
      all.map(({ v }) => v),
    ),
    g: inOrder(
      c.decay === 'channel' ? c.keys : 1,
      all.map((_, i) => (i === 0 ? decay : none(decay))),
    ),
    beta: inOrder(
      1,
      all.map(({ beta }) => beta),
    ),
    memory: past.memory,
    heads: c.heads,
    keys: c.keys,
    values: c.values,
    decay: c.decay === 'channel' ? 'channel' : 'head',
  })
  const y = (i: number): T => nth(op, c, done.y, i, all.length)
  const cached = past.cache && cacheRead(op, c, p, x, { ...last, q, recalled: y(all.length - 2) }, past.cache)
  const recalled = cached ? op.add(y(all.length - 1), cached.y) : y(all.length - 1)
  const read = op.reshape(op.rmsNorm(recalled, p.norm, 1e-5), [0, 0, c.heads * c.values])
  return {
    y: op.matmul(read, p.output),
    state: {
      conv: mixed.past,
      memory: done.memory,
      ...(cached ? { cache: cached.state } : {}),
    },
  }
}

/** Write strengths, one (B,T,H) for each write of a token. */
function strengths<T>(op: Ops<T>, c: DeltaMemoryConfig, p: Params<T>, x: T): T[] {
  const bound = op.table(
    Array.from({ length: c.products * c.heads }, (_, i) => c.betaMax[(i % c.heads) % c.betaMax.length]!),
    [c.products * c.heads],
  )
  const beta = op.mul(op.sigmoid(op.add(op.matmul(x, p.beta), p.betaBias)), bound)
  const each = Array.from({ length: c.products }, () => c.heads)
  return each.length === 1 ? [beta] : op.split(beta, each, -1)
}

/** n tensors (B,T,H,W) -> (B,T*n,H,W), those of a token after one another. */
function interleave<T>(op: Ops<T>, c: DeltaMemoryConfig, each: readonly T[], width: number): T {
  if (each.length === 1) return each[0]!
  const rows = each.map((t) => op.reshape(t, [0, 0, 1, c.heads * width]))
  return op.reshape(op.concat(rows, 2), [0, -1, c.heads, width])
}

/** The i-th of every n: (B,T*n,H,V) -> (B,T,H,V). */
function nth<T>(op: Ops<T>, c: DeltaMemoryConfig, y: T, i: number, n: number): T {
  if (n === 1) return y
  const rows = op.slice(op.reshape(y, [0, -1, n, c.heads * c.values]), 2, i, i + 1)
  return op.reshape(rows, [0, 0, c.heads, c.values])
}

/** What the exact cache adds; a token surprises by the length of what is written for it, beta |v - recalled|. */
function cacheRead<T>(
  op: Ops<T>,
  c: DeltaMemoryConfig,
  p: Params<T>,
  x: T,
  now: { q: T; k: T; v: T; beta: T; recalled: T },
  past: NonNullable<State<T>['cache']>,
) {
  const wrong = op.sub(now.v, now.recalled)
  const surprise = op.mul(now.beta, op.sqrt(op.sum(op.mul(wrong, wrong), -1, true)))
  return exactCache(op, slots(c), p.cache!, x, { ...now, surprise: op.tap(surprise, 'cache.surprise') }, past)
}

/** g = -A softplus(x W + bias), A = exp(decayRate): (B,T,H) or (B,T,H*K), between LOWEST_LOG_DECAY and 0. */
function logDecay<T>(op: Ops<T>, c: DeltaMemoryConfig, p: Params<T>, x: T, beta: T): T {
  if (c.decay === 'none') return op.mul(beta, op.constant(0))
  const { decay, decayBias, decayRate } = p as Required<Params<T>>
  const step = op.softplus(op.add(op.matmul(x, decay), decayBias))
  return op.maximum(op.neg(op.mul(op.exp(decayRate), step)), op.constant(LOWEST_LOG_DECAY))
}
