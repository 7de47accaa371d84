/**
 * Attention over all tokens so far as published decoders have it: grouped queries (Ainslie et al. 2023, arXiv
 * 2305.13245), rotary positions, and what families add. Letters: H query heads, G heads of keys and values, C channels.
 */
import { module, type Module, type Pass } from '../module.ts'
import type { Ops } from '../ops.ts'
import { appendState, linearParams, normParams, vector, type LinearSpec, type Spec } from '../spec.ts'
import type { Rope } from './rotary.ts'

export interface GroupedAttentionConfig {
  readonly width: number
  readonly heads: number
  readonly kvHeads: number
  readonly channels: number
  readonly rope: Rope | null
  /** Default 1 / sqrt(C). */
  readonly scale?: number
  /** Biases of the queries, keys and values, and of the output. */
  readonly bias?: boolean
  readonly outBias?: boolean
  /** Tokens that are seen; all without. */
  readonly window?: number | null
  readonly softcap?: number | null
  readonly eps: number
  /** Norms of queries and keys: of each head (Qwen3), or of all heads together (OLMo). */
  readonly qkNorm?: 'head' | 'whole'
  /** What is added to the weights of these norms. */
  readonly normOffset?: number
  /** Each head's values are normed, without a weight (Gemma 4). */
  readonly valueNorm?: boolean
  /** The projection of the keys, before its norm, is the values too (Gemma 4). */
  readonly keysAsValues?: boolean
  /** A sigmoid gate on the output, for each channel from a query projection of double width (Qwen3-Next) or each head. */
  readonly gate?: 'channel' | 'head'
  /** Learned logits of a token without value (gpt-oss). */
  readonly sinks?: boolean
  /** Multiplied with the keys (Falcon-H1). */
  readonly keyScale?: number
  /** Multiplied with the queries of each position (B,T) -> (B,T) (Ministral 3). */
  readonly queryScale?: <T>(op: Ops<T>, positions: T) => T
}

type AttentionParams = {
  readonly q_proj: LinearSpec
  readonly k_proj: LinearSpec
  readonly v_proj?: LinearSpec
  readonly o_proj: LinearSpec
  readonly q_norm?: { readonly weight: Spec }
  readonly k_norm?: { readonly weight: Spec }
  readonly gate_proj?: LinearSpec
  readonly sinks?: Spec
}

function attentionParams(c: GroupedAttentionConfig): AttentionParams {
  const [q, kv] = [c.heads * c.channels, c.kvHeads * c.channels]
  const norm = (size: number) => normParams(c.qkNorm === 'head' ? c.channels : size, c.normOffset ? 0 : 1)
  return {
    q_proj: linearParams(c.width, c.gate === 'channel' ? 2 * q : q, c.bias),
    k_proj: linearParams(c.width, kv, c.bias),
    ...(c.keysAsValues ? {} : { v_proj: linearParams(c.width, kv, c.bias) }),
    o_proj: linearParams(q, c.width, c.outBias),
    ...(c.qkNorm ? { q_norm: norm(q), k_norm: norm(kv) } : {}),
    ...(c.gate === 'head' ? { gate_proj: linearParams(c.width, c.heads) } : {}),
    ...(c.sinks ? { sinks: vector([c.heads], 0) } : {}),
  }
}

export function groupedAttention(c: GroupedAttentionConfig): Module {
  const { heads, kvHeads, channels } = c
  const [q, kv] = [heads * channels, kvHeads * channels]
  const state = { k: appendState(kvHeads, channels), v: appendState(kvHeads, channels) }
  return module(attentionParams(c), state, (op, p, x, past, pass) => {
    const [asked, keys, values] = op.linears(x, [
      { ...p.q_proj, size: c.gate === 'channel' ? 2 * q : q },
      { ...p.k_proj, size: kv },
      ...(p.v_proj ? [{ ...p.v_proj, size: kv }] : []),
    ]) as [typeof x, typeof x, typeof x?]
    const [queries, gate] = c.gate === 'channel' ? halves(op, c, asked) : [asked, undefined]
    const scaled = c.keyScale === undefined ? keys : op.mul(keys, op.constant(c.keyScale))
    const done = op.cachedAttention({
      q: positioned(op, c, normed(op, c, queries, p.q_norm?.weight, heads), heads, pass),
      k: turned(op, c, normed(op, c, scaled, p.k_norm?.weight, kvHeads), kvHeads, pass),
      v: c.valueNorm ? normedValues(op, c, values ?? keys) : (values ?? keys),
      past,
      filled: pass.filled,
      heads,
      kvHeads,
      channels,
      scale: c.scale ?? channels ** -0.5,
      window: c.window ?? undefined,
      softcap: c.softcap ?? undefined,
      sinks: p.sinks,
    })
    const gated = gate ? op.mul(done.y, op.sigmoid(gate)) : done.y
    const y = p.gate_proj ? byHead(op, c, gated, op.linear(x, p.gate_proj.weight, p.gate_proj.bias)) : gated
    return { y: op.linear(y, p.o_proj.weight, p.o_proj.bias), state: { k: done.k, v: done.v } }
  })
}

/** Queries and gates, which stand side by side in each head: (B,T,H*2C) -> (B,T,H*C) each. */
function halves<T>(op: Ops<T>, { heads, channels }: GroupedAttentionConfig, both: T): [T, T] {
  const parts = op.split(op.reshape(both, [0, 0, heads, 2 * channels]), [channels, channels], -1)
  return parts.map((part) => op.reshape(part, [0, 0, heads * channels])) as [T, T]
}

/** Queries or keys (B,T,heads*C), normed where there is a weight. */
export function normed<T>(op: Ops<T>, c: GroupedAttentionConfig, x: T, weight: T | undefined, heads: number): T {
  if (weight === undefined) return x
  const own = c.normOffset ? op.add(weight, op.constant(c.normOffset)) : weight
  return c.qkNorm === 'whole' ? op.rmsNorm(x, own, c.eps) : normedByHead(op, c, x, own, heads)
}

function normedByHead<T>(op: Ops<T>, c: GroupedAttentionConfig, x: T, weight: T, heads: number): T {
  const byHeads = op.reshape(x, [0, 0, heads, c.channels])
  return op.reshape(op.rmsNorm(byHeads, weight, c.eps), [0, 0, heads * c.channels])
}

function normedValues<T>(op: Ops<T>, c: GroupedAttentionConfig, values: T): T {
  const ones = op.table(Array<number>(c.channels).fill(1), [c.channels])
  return normedByHead(op, c, values, ones, c.kvHeads)
}

function turned<T>(op: Ops<T>, { rope, channels }: GroupedAttentionConfig, x: T, heads: number, pass: Pass<T>): T {
  return rope === null ? x : op.rotary(x, { ...pass.rotary(rope.frequencies, rope.scale), heads, channels })
}

/** Queries (B,T,H*C) turned to their positions. */
export function positioned<T>(op: Ops<T>, c: GroupedAttentionConfig, q: T, heads: number, pass: Pass<T>): T {
  const y = turned(op, c, q, heads, pass)
  return c.queryScale ? op.mul(y, op.reshape(c.queryScale(op, pass.positions), [0, 0, 1])) : y
}

/** y (B,T,H*C) times the sigmoid of a gate for each head (B,T,H). */
function byHead<T>(op: Ops<T>, { heads, channels }: GroupedAttentionConfig, y: T, gate: T): T {
  const each = op.mul(op.reshape(y, [0, 0, heads, channels]), op.reshape(op.sigmoid(gate), [0, 0, heads, 1]))
  return op.reshape(each, [0, 0, heads * channels])
}
