/**
 * Gated delta networks as published: a short convolution, the gated delta rule (Yang et al. 2024, arXiv 2412.06464) and
 * a gated norm, with one decay for each head (Qwen3-Next, OLMo Hybrid) or each channel (Kimi Linear, arXiv 2510.26692).
 * Letters: G key heads, H value heads, K keys, V values, E convolved channels.
 */
import { module, type Module } from '../module.ts'
import type { Ops } from '../ops.ts'
import { convParams, linearParams, normParams, parameter, stateOf } from '../spec.ts'
import { activatedConv } from './activation.ts'

export interface DeltaNetConfig {
  readonly width: number
  readonly keyHeads: number
  readonly valueHeads: number
  readonly keys: number
  readonly values: number
  /** Taps of the convolution. */
  readonly conv: number
  /** Of the convolved queries, keys and values. */
  readonly activation: string
  /** Of the gated norm. */
  readonly eps: number
  /** Writes are at most so strong; 2 lets the memory's eigenvalues be negative (Grazzi et al. 2024, arXiv 2411.12537). */
  readonly betaMax: 1 | 2
}

const decayParams = (heads: number, rates: number) => ({
  A_log: parameter([heads], { kind: 'logOfUniform', low: 1, high: 16 }),
  dt_bias: parameter([rates], { kind: 'logUniformSoftplus', low: 1e-3, high: 1e-1 }),
})

/** One decay for each head. */
export function gatedDeltaNet(c: DeltaNetConfig): Module {
  const [key, value] = [c.keyHeads * c.keys, c.valueHeads * c.values]
  const mixed = 2 * key + value
  const params = {
    in_proj_qkv: linearParams(c.width, mixed),
    in_proj_z: linearParams(c.width, value),
    in_proj_b: linearParams(c.width, c.valueHeads),
    in_proj_a: linearParams(c.width, c.valueHeads),
    conv1d: convParams(c.conv, mixed),
    ...decayParams(c.valueHeads, c.valueHeads),
    norm: normParams(c.values),
    out_proj: linearParams(value, c.width),
  }
  const state = { conv: stateOf(mixed, c.conv - 1), memory: stateOf(c.valueHeads, c.keys, c.values) }
  return module(params, state, (op, p, x, past) => {
    const [qkv, z, b, a] = op.linears(x, [
      { ...p.in_proj_qkv, size: mixed },
      { ...p.in_proj_z, size: value },
      { ...p.in_proj_b, size: c.valueHeads },
      { ...p.in_proj_a, size: c.valueHeads },
    ]) as [typeof x, typeof x, typeof x, typeof x]
    const conv = activatedConv(op, c.activation, { x: qkv, weight: p.conv1d.weight, past: past.conv, size: c.conv })
    const rate = op.mul(op.exp(p.A_log), op.softplus(op.add(a, p.dt_bias))) //                  (B, T, H)
    const read = recall(op, c, conv.y, past.memory, op.reshape(op.neg(rate), [0, 0, -1, 1]), b, 'head')
    const normed = op.rmsNorm(read.y, p.norm.weight, c.eps) //                                  (B, T, H, V)
    const gated = op.mul(normed, op.silu(op.reshape(z, [0, 0, c.valueHeads, c.values])))
    const y = op.linear(op.reshape(gated, [0, 0, value]), p.out_proj.weight)
    return { y, state: { conv: conv.past, memory: read.memory } }
  })
}

/** One decay for each channel of the keys, from a low-rank projection; the output gate is a sigmoid. */
export function kimiDeltaNet(c: DeltaNetConfig): Module {
  const [key, value] = [c.keyHeads * c.keys, c.valueHeads * c.values]
  const mixed = 2 * key + value
  const params = {
    in_proj_qkv: linearParams(c.width, mixed),
    conv1d: convParams(c.conv, mixed),
    f_a_proj: linearParams(c.width, c.keys),
    f_b_proj: linearParams(c.keys, key),
    ...decayParams(c.valueHeads, key),
    b_proj: linearParams(c.width, c.valueHeads),
    g_a_proj: linearParams(c.width, c.values),
    g_b_proj: linearParams(c.values, value),
    norm: normParams(c.values),
    out_proj: linearParams(value, c.width),
  }
  const state = { conv: stateOf(mixed, c.conv - 1), memory: stateOf(c.valueHeads, c.keys, c.values) }
  return module(params, state, (op, p, x, past) => {
    const [qkv, f, b, g] = op.linears(x, [
      { ...p.in_proj_qkv, size: mixed },
      { ...p.f_a_proj, size: c.keys },
      { ...p.b_proj, size: c.valueHeads },
      { ...p.g_a_proj, size: c.values },
    ]) as [typeof x, typeof x, typeof x, typeof x]
    const conv = activatedConv(op, c.activation, { x: qkv, weight: p.conv1d.weight, past: past.conv, size: c.conv })
    const speed = op.softplus(op.add(op.linear(f, p.f_b_proj.weight), p.dt_bias)) //            (B, T, H*K)
    const byHead = op.reshape(speed, [0, 0, c.valueHeads, c.keys])
    const decay = op.neg(op.mul(op.reshape(op.exp(p.A_log), [-1, 1]), byHead))
    const read = recall(op, c, conv.y, past.memory, decay, b, 'channel')
    const gate = op.sigmoid(op.reshape(op.linear(g, p.g_b_proj.weight), [0, 0, c.valueHeads, c.values]))
    const gated = op.mul(op.rmsNorm(read.y, p.norm.weight, c.eps), gate) //                     (B, T, H, V)
    const y = op.linear(op.reshape(gated, [0, 0, value]), p.out_proj.weight)
    return { y, state: { conv: conv.past, memory: read.memory } }
  })
}

/** The delta rule over convolved queries, keys and values (B,T,E), with writes from b (B,T,H): y (B,T,H,V). */
function recall<T>(
  op: Ops<T>,
  c: DeltaNetConfig,
  mixed: T,
  memory: T,
  g: T,
  b: T,
  decay: 'head' | 'channel',
): { y: T; memory: T } {
  const [key, value] = [c.keyHeads * c.keys, c.valueHeads * c.values]
  const [q, k, v] = op.split(mixed, [key, key, value], -1) as [T, T, T]
  const heads = (x: T): T => repeatHeads(op, op.l2Normalize(op.reshape(x, [0, 0, c.keyHeads, c.keys])), c)
  const strength = op.sigmoid(b)
  return op.gatedDelta({
    q: op.mul(heads(q), op.constant(c.keys ** -0.5)), //                                        (B, T, H, K)
    k: heads(k),
    v: op.reshape(v, [0, 0, c.valueHeads, c.values]),
    g,
    beta: op.reshape(c.betaMax === 1 ? strength : op.mul(strength, op.constant(c.betaMax)), [0, 0, -1, 1]),
    memory,
    heads: c.valueHeads,
    keys: c.keys,
    values: c.values,
    decay,
  })
}

/** Each key head (B,T,G,K) serves the value heads that follow one another: (B,T,H,K). */
function repeatHeads<T>(op: Ops<T>, x: T, { keyHeads, valueHeads, keys }: DeltaNetConfig): T {
  const times = valueHeads / keyHeads
  if (times === 1) return x
  const column = op.reshape(x, [0, 0, keyHeads, 1, keys])
  const copies = op.concat(Array<T>(times).fill(column), 3)
  return op.reshape(copies, [0, 0, valueHeads, keys])
}
