/**
 * Mamba-2 (Dao & Gu 2024, arXiv 2405.21060) with the names of the published weights: a short convolution, linear
 * attention with a decay for each head, and a gated norm. Letters: H heads of P channels, G groups, N states.
 */
import { module, type Module } from '../module.ts'
import type { Ops } from '../ops.ts'
import {
  convParams,
  linearParams,
  normParams,
  parameter,
  stateOf,
  vector,
  type LinearSpec,
  type Of,
  type Spec,
} from '../spec.ts'
import { activatedConv } from './activation.ts'

/** A bound of the time step that bounds nothing: the largest float32, since JSON has no infinity. */
export const NO_BOUND = 3.4028234663852886e38

export interface Mamba2Config {
  readonly width: number
  readonly heads: number
  /** P. */
  readonly channels: number
  readonly groups: number
  readonly states: number
  readonly conv: number
  readonly convBias: boolean
  /** Of the convolved x, B and C. */
  readonly activation: string
  readonly bias: boolean
  /** Bias of the projection out, if it is not as `bias` says. */
  readonly outBias?: boolean
  /** `gateFirst`: norm(y silu(z)), of each group; `gateLast`: norm(y) silu(z); `none`: y silu(z). */
  readonly norm: 'gateFirst' | 'gateLast' | 'none'
  readonly eps: number
  /** Bounds of the time step. */
  readonly dtLimit?: readonly [low: number, high: number]
  /** Multiplied with the input, and with the parts z, x, B, C and dt of its projection (Falcon-H1). */
  readonly inScale?: number
  readonly partScales?: readonly [z: number, x: number, B: number, C: number, dt: number]
}

type Mamba2Params = {
  readonly in_proj: LinearSpec
  readonly conv1d: LinearSpec
  readonly dt_bias: Spec
  readonly A_log: Spec
  readonly D: Spec
  readonly norm?: { readonly weight: Spec }
  readonly out_proj: LinearSpec
}

const inner = (c: Mamba2Config): number => c.heads * c.channels
const convolved = (c: Mamba2Config): number => inner(c) + 2 * c.groups * c.states

const mamba2Params = (c: Mamba2Config): Mamba2Params => ({
  in_proj: linearParams(c.width, inner(c) + convolved(c) + c.heads, c.bias),
  conv1d: convParams(c.conv, convolved(c), c.convBias),
  dt_bias: parameter([c.heads], { kind: 'logUniformSoftplus', low: 1e-3, high: 1e-1 }),
  A_log: parameter([c.heads], { kind: 'logOfUniform', low: 1, high: 16 }),
  D: vector([c.heads], 1),
  ...(c.norm === 'none' ? {} : { norm: normParams(inner(c)) }),
  out_proj: linearParams(inner(c), c.width, c.outBias ?? c.bias),
})

export function mamba2(c: Mamba2Config): Module {
  const state = { conv: stateOf(convolved(c), c.conv - 1), memory: stateOf(c.heads, c.states, c.channels) }
  return module(mamba2Params(c), state, (op, p, x, past) => {
    const input = c.inScale === undefined ? x : op.mul(x, op.constant(c.inScale))
    const projected = scaleParts(op, c, op.linear(input, p.in_proj.weight, p.in_proj.bias))
    const [z, xBC, dt] = op.split(projected, [inner(c), convolved(c), c.heads], -1) as [typeof x, typeof x, typeof x]
    const conv = activatedConv(op, c.activation, {
      x: xBC,
      weight: p.conv1d.weight,
      bias: p.conv1d.bias,
      past: past.conv,
      size: c.conv,
    })
    const scanned = scan(op, c, p, conv.y, dt, past.memory)
    const y = gatedNorm(op, c, p, scanned.y, z)
    return {
      y: op.linear(y, p.out_proj.weight, p.out_proj.bias),
      state: { conv: conv.past, memory: scanned.memory },
    }
  })
}

function scaleParts<T>(op: Ops<T>, c: Mamba2Config, projected: T): T {
  if (!c.partScales) return projected
  const sizes = [inner(c), inner(c), c.groups * c.states, c.groups * c.states, c.heads]
  const scales = c.partScales.flatMap((scale, i) => Array<number>(sizes[i]!).fill(scale))
  return op.mul(projected, op.table(scales, [1, 1, scales.length]))
}

/** The recurrence over convolved x, B and C, and time steps dt (B,T,H): y (B,T,H*P). */
function scan<T>(op: Ops<T>, c: Mamba2Config, p: Of<Mamba2Params, T>, mixed: T, dt: T, memory: T) {
  const sizes = [inner(c), c.groups * c.states, c.groups * c.states]
  const [flat, B, C] = op.split(mixed, sizes, -1) as [T, T, T]
  const free = op.softplus(op.add(dt, p.dt_bias)) //                                            (B, T, H)
  const [low, high] = c.dtLimit ?? [0, NO_BOUND]
  const above = low > 0 ? op.maximum(free, op.constant(low)) : free
  const step = op.reshape(high < NO_BOUND ? op.minimum(above, op.constant(high)) : above, [0, 0, -1, 1])
  const x = op.reshape(flat, [0, 0, c.heads, c.channels])
  const each = (of: T): T => {
    const column = op.reshape(of, [0, 0, c.groups, 1, c.states])
    return op.reshape(op.concat(Array<T>(c.heads / c.groups).fill(column), 3), [0, 0, c.heads, c.states])
  }
  const done = op.gatedAttention({
    q: each(C), //                                                                              (B, T, H, N)
    k: each(B),
    v: op.mul(x, step), //                                                                      (B, T, H, P)
    g: op.neg(op.mul(step, op.reshape(op.exp(p.A_log), [-1, 1]))),
    memory,
    heads: c.heads,
    keys: c.states,
    values: c.channels,
  })
  const y = op.add(done.y, op.mul(x, op.reshape(p.D, [-1, 1])))
  return { y: op.reshape(y, [0, 0, inner(c)]), memory: done.memory }
}

function gatedNorm<T>(op: Ops<T>, c: Mamba2Config, p: Of<Mamba2Params, T>, y: T, z: T): T {
  if (c.norm === 'none' || !p.norm) return op.mul(y, op.silu(z))
  const gate = op.silu(z)
  const width = inner(c) / c.groups
  const byGroup = op.reshape(c.norm === 'gateFirst' ? op.mul(y, gate) : y, [0, 0, c.groups, width])
  const normed = op.rmsNorm(byGroup, op.reshape(p.norm.weight, [c.groups, width]), c.eps)
  const flat = op.reshape(normed, [0, 0, inner(c)])
  return c.norm === 'gateFirst' ? flat : op.mul(flat, gate)
}
