/**
 * Gated delta memory: an associative matrix per head that is corrected, not added to, at every write
 * (Gated DeltaNet, Yang et al. 2024, arXiv 2412.06464; decay per key channel as in Kimi Delta Attention, arXiv 2510.26692).
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, parameter, stateOf, vector } from '../spec.ts'

export interface DeltaConfig {
  readonly width: number
  readonly heads: number
  readonly keys: number
  readonly values: number
  /** Taps of the short convolution before q, k and v. */
  readonly conv: number
  readonly decay: 'none' | 'head' | 'channel'
  /** Upper bound of the write strength beta, one per head, repeated: 1 replaces, 2 allows negative eigenvalues. */
  readonly betaMax: readonly number[]
}

/** Log decay of one token is never below this, so that products over a chunk of 16 stay in float32. */
const LOWEST_LOG_DECAY = -5

const channels = (c: DeltaConfig): number => c.heads * (2 * c.keys + c.values)
const decays = (c: DeltaConfig): number => (c.decay === 'channel' ? c.heads * c.keys : c.heads)

export const deltaParams = (c: DeltaConfig) => ({
  qkv: matrix([c.width, channels(c)]),
  conv: parameter([c.conv, channels(c)], { kind: 'taps', std: 0.1 }),
  beta: matrix([c.width, c.heads]),
  betaBias: vector([c.heads], 0),
  ...(c.decay === 'none'
    ? {}
    : {
        decay: matrix([c.width, decays(c)], 0.02),
        decayRate: parameter([decays(c)], { kind: 'logOfUniform', low: 1, high: 16 }), // log A
        decayBias: parameter([decays(c)], { kind: 'logUniformSoftplus', low: 1e-3, high: 1e-1 }), // dt bias
      }),
  norm: vector([c.values], 1),
  output: matrix([c.heads * c.values, c.width]),
})

export const deltaState = (c: DeltaConfig) => ({
  conv: stateOf(channels(c), c.conv - 1),
  memory: stateOf(c.heads, c.keys, c.values),
})

type Params<T> = Of<ReturnType<typeof deltaParams>, T>
type State<T> = Of<ReturnType<typeof deltaState>, T>

/** x (B,T,D) and the memory before it -> y (B,T,D) and the memory after it. */
export function delta<T>(op: Ops<T>, c: DeltaConfig, p: Params<T>, x: T, past: State<T>) {
  const widths = [c.heads * c.keys, c.heads * c.keys, c.heads * c.values]
  // The weights are split, not what they make: three smaller tensors, and no copies
  const [weights, taps, pasts] = [
    op.split(p.qkv, widths, -1),
    op.split(p.conv, widths, -1),
    op.split(past.conv, widths, 1),
  ]
  const mixed = widths.map((_, i) =>
    op.causalConv({ x: op.matmul(x, weights[i]!), weight: taps[i]!, past: pasts[i]!, size: c.conv }),
  )
  const [q, k, v] = mixed.map(({ y }) => y) as [T, T, T] //                                     (B, T, H*.)
  const perHead = (t: T): T => op.reshape(t, [0, 0, c.heads, -1]) //                            (B, T, H, .)
  const bound = op.table(
    Array.from({ length: c.heads }, (_, h) => c.betaMax[h % c.betaMax.length]!),
    [c.heads],
  )
  const beta = op.mul(op.sigmoid(op.add(op.matmul(x, p.beta), p.betaBias)), bound) //           (B, T, H)
  const done = op.gatedDelta({
    q: op.unit(perHead(q)),
    k: op.unit(perHead(k)),
    v: perHead(v),
    g: perHead(logDecay(op, c, p, x, beta)),
    beta: perHead(beta),
    memory: past.memory,
    heads: c.heads,
    keys: c.keys,
    values: c.values,
    decay: c.decay === 'channel' ? 'channel' : 'head',
  })
  const read = op.reshape(op.rmsNorm(done.y, p.norm, 1e-5), [0, 0, c.heads * c.values])
  return {
    y: op.matmul(read, p.output),
    state: {
      conv: op.concat(
        mixed.map((m) => m.past),
        1,
      ),
      memory: done.memory,
    },
  }
}

/** g = -A softplus(x W + bias), A = exp(decayRate): (B,T,H) or (B,T,H*K), between LOWEST_LOG_DECAY and 0. */
function logDecay<T>(op: Ops<T>, c: DeltaConfig, p: Params<T>, x: T, beta: T): T {
  if (c.decay === 'none') return op.mul(beta, op.constant(0))
  const { decay, decayBias, decayRate } = p as Required<Params<T>>
  const step = op.softplus(op.add(op.matmul(x, decay), decayBias))
  return op.maximum(op.neg(op.mul(op.exp(decayRate), step)), op.constant(LOWEST_LOG_DECAY))
}
