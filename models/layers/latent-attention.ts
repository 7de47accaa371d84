/**
 * Multi-head latent attention (DeepSeek-AI 2024, arXiv 2405.04434) without rotation, as Kimi Linear has it. Keys and
 * values of all heads come from one latent vector a token; the projections out of it are absorbed into queries and
 * output, so that the cache holds the latent alone. Letters: H heads, L latent, N and R channels of a key, V of a value.
 */
import { module, type Module } from '../module.ts'
import { appendState, linearParams, normParams } from '../spec.ts'

export interface LatentAttentionConfig {
  readonly width: number
  readonly heads: number
  /** L. */
  readonly latent: number
  /** N: channels of a key that come from the latent. */
  readonly keys: number
  /** R: channels of a key that all heads share. */
  readonly shared: number
  /** V. */
  readonly values: number
  readonly eps: number
}

export function latentAttention(c: LatentAttentionConfig): Module {
  const { heads, latent, keys, shared, values } = c
  const cached = latent + shared
  const params = {
    q_proj: linearParams(c.width, heads * (keys + shared)),
    kv_a_proj_with_mqa: linearParams(c.width, cached),
    kv_a_layernorm: normParams(latent),
    kv_b_proj: linearParams(latent, heads * (keys + values)),
    o_proj: linearParams(heads * values, c.width),
  }
  // ONNX Runtime's kernel wants keys and values: both are the latent and the shared channels.
  const state = { k: appendState(1, cached), v: appendState(1, cached) }
  return module(params, state, (op, p, x, past, pass) => {
    const [q, compressed] = op.linears(x, [
      { ...p.q_proj, size: heads * (keys + shared) },
      { ...p.kv_a_proj_with_mqa, size: cached },
    ]) as [typeof x, typeof x]
    const [low, common] = op.split(compressed, [latent, shared], -1) as [typeof x, typeof x]
    const own = op.concat([op.rmsNorm(low, p.kv_a_layernorm.weight, c.eps), common], -1) //     (B, T, L+R)
    const expand = op.reshape(p.kv_b_proj.weight, [heads, keys + values, latent])
    const [toKeys, toValues] = op.split(expand, [keys, values], 1) as [typeof x, typeof x]
    const byHead = op.reshape(q, [0, 0, heads, keys + shared])
    const [asked, askedShared] = op.split(byHead, [keys, shared], -1) as [typeof x, typeof x]
    const absorbed = op.matmul(op.transpose(asked, [0, 2, 1, 3]), toKeys) //                    (B, H, T, L)
    const queries = op.concat([op.transpose(absorbed, [0, 2, 1, 3]), askedShared], -1)
    const done = op.cachedAttention({
      q: op.reshape(queries, [0, 0, heads * cached]),
      k: own,
      v: own,
      past,
      filled: pass.filled,
      heads,
      kvHeads: 1,
      channels: cached,
      scale: (keys + shared) ** -0.5,
    })
    const read = op.slice(op.reshape(done.y, [0, 0, heads, cached]), 3, 0, latent) //           (B, T, H, L)
    const out = op.matmul(op.transpose(read, [0, 2, 1, 3]), op.transpose(toValues, [0, 2, 1])) // (B, H, T, V)
    const y = op.linear(op.reshape(op.transpose(out, [0, 2, 1, 3]), [0, 0, heads * values]), p.o_proj.weight)
    return { y, state: { k: done.k, v: done.v } }
  })
}
