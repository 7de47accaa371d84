/**
 * Attention that reads the keys and values of an earlier layer (Brandon et al. 2024, arXiv 2405.12981), as in the last
 * layers of Gemma 3n and 4: it has queries of its own, and no state.
 */
import { module, STATELESS, type Module } from '../module.ts'
import { linearParams, normParams } from '../spec.ts'
import { normed, positioned, type GroupedAttentionConfig } from './grouped-attention.ts'

/** `kvHeads` and `channels` are those of the layer whose keys and values are read. */
export type SharedAttentionConfig = Pick<
  GroupedAttentionConfig,
  'width' | 'heads' | 'kvHeads' | 'channels' | 'rope' | 'scale' | 'bias' | 'outBias' | 'window' | 'eps'
>

/** Queries are normed by head. Throws where the pass has no keys and values to share. */
export function sharedAttention(config: SharedAttentionConfig): Module {
  const c: GroupedAttentionConfig = { ...config, qkNorm: 'head' }
  const { heads, kvHeads, channels } = c
  const params = {
    q_proj: linearParams(c.width, heads * channels, c.bias),
    o_proj: linearParams(heads * channels, c.width, c.outBias),
    q_norm: normParams(channels),
  }
  return module(params, STATELESS, (op, p, x, _, pass) => {
    if (pass.shared === undefined) throw new Error('shared attention: expected keys and values of an earlier layer')
    const asked = op.linear(x, p.q_proj.weight, p.q_proj.bias)
    const y = op.sharedAttention({
      ...pass.shared,
      q: positioned(op, c, normed(op, c, asked, p.q_norm.weight, heads), heads, pass),
      filled: pass.filled,
      heads,
      kvHeads,
      channels,
      scale: c.scale ?? channels ** -0.5,
      window: c.window ?? undefined,
    })
    return { y: op.linear(y, p.o_proj.weight, p.o_proj.bias), state: STATELESS }
  })
}
