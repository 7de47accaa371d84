/**
 * Mamba-1: a selective state-space layer behind a short convolution (Gu & Dao 2023, arXiv 2312.00752), and a stack of
 * such layers. Parameters have the names of the published weights. Letters: E inner channels, N states of a channel,
 * R rank of dt.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, parameter, stateOf, vector } from '../spec.ts'
import { activatedConv } from './activation.ts'

export interface MambaConfig {
  readonly width: number
  /** Inner channels, in widths. */
  readonly expansion: number
  /** States of each inner channel (d_state). */
  readonly states: number
  /** Taps of the convolution. */
  readonly conv: number
  /** Of the convolved channels; SiLU without. */
  readonly activation?: string
  /** R; a sixteenth of the width without. */
  readonly rank?: number
  /** Bias of the convolution (default yes), and biases of the projections in and out (default no). */
  readonly convBias?: boolean
  readonly bias?: boolean
}

const channels = (c: MambaConfig): number => c.width * c.expansion
const rank = (c: MambaConfig): number => c.rank ?? Math.ceil(c.width / 16)

export const mambaParams = (c: MambaConfig) => ({
  inProj: matrix([c.width, 2 * channels(c)]), // x and its gate z, side by side
  ...(c.bias ? { inBias: vector([2 * channels(c)], 0), outBias: vector([c.width], 0) } : {}),
  conv: parameter([c.conv, channels(c)], { kind: 'normal', std: 1 / Math.sqrt(3 * c.conv) }),
  ...(c.convBias === false ? {} : { convBias: vector([channels(c)], 0) }),
  xProj: matrix([channels(c), rank(c) + 2 * c.states]), // dt, B and C, side by side
  dtProj: matrix([rank(c), channels(c)], 1 / Math.sqrt(3 * rank(c))),
  dtBias: parameter([channels(c)], { kind: 'logUniformSoftplus', low: 1e-3, high: 1e-1 }),
  ALog: parameter([channels(c), c.states], { kind: 'logOfColumn' }), // log(-A), A = -1 to -N
  D: vector([channels(c)], 1),
  outProj: matrix([channels(c), c.width]),
})

export const mambaState = (c: MambaConfig) => ({
  conv: stateOf(channels(c), c.conv - 1),
  memory: stateOf(channels(c), c.states),
})

type Params<T> = Of<ReturnType<typeof mambaParams>, T>
type State<T> = Of<ReturnType<typeof mambaState>, T>

/** x (B,T,D) and the state before it -> y (B,T,D) and the state after it. */
export function mamba<T>(op: Ops<T>, c: MambaConfig, p: Params<T>, x: T, past: State<T>): { y: T; state: State<T> } {
  const through = (input: T, weight: T, sizes: readonly number[]): T[] =>
    op.split(weight, sizes, -1).map((part) => op.matmul(input, part))
  const biases = p.inBias ? op.split(p.inBias, [channels(c), channels(c)], -1) : []
  const sides = through(x, p.inProj, [channels(c), channels(c)]) //                              (B, T, E)
  const [into, z] = sides.map((side, i) => (biases[i] ? op.add(side, biases[i]) : side)) as [T, T]
  const mixed = activatedConv(op, c.activation ?? 'silu', {
    x: into,
    weight: p.conv,
    bias: p.convBias,
    past: past.conv,
    size: c.conv,
  })
  const [low, B, C] = through(mixed.y, p.xProj, [rank(c), c.states, c.states]) as [T, T, T] //   (B, T, R), (B, T, N)
  const scanned = op.selectiveScan({
    x: mixed.y, //                                                                              (B, T, E)
    dt: op.softplus(op.add(op.matmul(low, p.dtProj), p.dtBias)), //                             (B, T, E)
    A: op.neg(op.exp(p.ALog)), //                                                               (E, N)
    B,
    C,
    memory: past.memory,
    channels: channels(c),
  })
  const y = op.mul(op.add(scanned.y, op.mul(mixed.y, p.D)), op.silu(z))
  const out = op.matmul(y, p.outProj)
  return { y: p.outBias ? op.add(out, p.outBias) : out, state: { conv: mixed.past, memory: scanned.memory } }
}

/** `gain` is the first value of the last norm's weight: the magnitude of the stack's outputs at the start. */
export const mambaStackParams = (c: MambaConfig, layers: number, gain = 1) => ({
  layers: Array.from({ length: layers }, () => ({ mixerNorm: vector([c.width], 1), mixer: mambaParams(c) })),
  norm: vector([c.width], gain),
})

export const mambaStackState = (c: MambaConfig, layers: number) => Array.from({ length: layers }, () => mambaState(c))

type StackParams<T> = Of<ReturnType<typeof mambaStackParams>, T>
type StackState<T> = Of<ReturnType<typeof mambaStackState>, T>

/** u <- u + Mamba(RMSNorm(u)) for each layer, and a norm at the end: x (B,T,D) -> y (B,T,D) and the state after it. */
export function mambaStack<T>(op: Ops<T>, c: MambaConfig, p: StackParams<T>, x: T, past: StackState<T>) {
  let u = x
  const state = p.layers.map((layer, i) => {
    const done = mamba(op, c, layer.mixer, op.rmsNorm(u, layer.mixerNorm, 1e-5), past[i]!)
    u = op.add(u, done.y)
    return done.state
  })
  return { y: op.rmsNorm(u, p.norm, 1e-5), state }
}
