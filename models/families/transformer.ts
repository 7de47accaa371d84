/** Families of plain decoders: a layer is attention and a feed-forward layer, each normed before and added. */
import { flag, type ConfigOf, type Options } from '../config.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf } from '../layers/rotary.ts'
import type { Ops } from '../ops.ts'
import { preNormBlock } from './blocks.ts'
import { defineFamily, type DecoderPlan } from './decoder.ts'
import { denseFields, headsOf, windowFields } from './fields.ts'

type Dense = ConfigOf<typeof denseFields>
type Attention = Partial<Parameters<typeof groupedAttention>[0]>

/** A plan whose layers differ in their attention alone: `special(i)` is what layer i has of its own. */
export function densePlan(
  owner: string,
  c: Dense,
  special: (layer: number) => Attention = () => ({}),
  mlpBias = false,
): DecoderPlan {
  const heads = headsOf(c)
  const rope = ropeOf(owner, c.rope_parameters, heads.channels, c.max_position_embeddings)
  const block = { width: c.hidden_size, eps: c.rms_norm_eps }
  const mlp = { width: c.hidden_size, hidden: c.intermediate_size, activation: c.hidden_act, bias: mlpBias }
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) =>
    preNormBlock(block, groupedAttention({ ...heads, rope, eps: c.rms_norm_eps, ...special(i) }), gatedMlp(mlp)),
  )
  return { vocab: c.vocab_size, width: c.hidden_size, layers, eps: c.rms_norm_eps, tied: c.tie_word_embeddings }
}

export const llama = defineFamily({
  name: 'llama',
  about: 'Llama 2 and 3, SmolLM2 (Touvron et al. 2023, arXiv 2302.13971)',
  fields: {
    ...denseFields,
    attention_bias: flag(false, 'biases of all projections of the attention'),
    mlp_bias: flag(false, 'biases of the feed-forward layers'),
  },
  plan(c) {
    return densePlan('llama', c, () => ({ bias: c.attention_bias, outBias: c.attention_bias }), c.mlp_bias)
  },
})

export const mistral = defineFamily({
  name: 'mistral',
  about: 'Mistral 7B (Jiang et al. 2023, arXiv 2310.06825): a sliding window in every layer',
  fields: { ...denseFields, sliding_window: windowFields.sliding_window },
  plan: (c) => densePlan('mistral', c, () => ({ window: c.sliding_window })),
})

export const ministral3 = defineFamily({
  name: 'ministral3',
  about: 'Ministral 3: queries grow with the logarithm of the position',
  fields: { ...denseFields, sliding_window: windowFields.sliding_window },
  plan: (c) => densePlan('ministral3', c, () => ({ window: c.sliding_window, ...growingQueries(c.rope_parameters) })),
})

/** Queries times 1 + beta log(1 + floor(position / length)) (Llama 4's attention scaling). */
function growingQueries(rope: Options): Attention {
  const beta = Number(rope['llama_4_scaling_beta'] ?? 0)
  const length = Number(rope['original_max_position_embeddings'] ?? 0)
  if (beta === 0 || length === 0) return {}
  return {
    queryScale<T>(op: Ops<T>, positions: T): T {
      // floor(p / n) of whole numbers, as rounding knows it: (p + 1/2) / n - 1/2 is never halfway
      const whole = op.round(op.sub(op.div(op.add(positions, op.constant(0.5)), op.constant(length)), op.constant(0.5)))
      const grown = op.mul(op.log(op.add(whole, op.constant(1))), op.constant(beta))
      return op.add(grown, op.constant(1))
    },
  }
}

/** Whether layer i slides: as the list says, or the layers from `from` on. */
const slides = (types: readonly string[], i: number, from: number): boolean =>
  types.length > 0 ? types[i] === 'sliding_attention' : i >= from

const qwenFields = {
  ...denseFields,
  ...windowFields,
  use_sliding_window: flag(false, 'whether some layers slide'),
  max_window_layers: { ...denseFields.num_hidden_layers, default: 28, min: 0, help: 'layers from here on slide' },
}

const qwenWindow = (c: ConfigOf<typeof qwenFields>, i: number): number | null =>
  c.use_sliding_window && slides(c.layer_types, i, c.max_window_layers) ? c.sliding_window : null

export const qwen2 = defineFamily({
  name: 'qwen2',
  about: 'Qwen 2 and 2.5 (arXiv 2407.10671): biases of queries, keys and values',
  fields: qwenFields,
  plan: (c) => densePlan('qwen2', c, (i) => ({ bias: true, window: qwenWindow(c, i) })),
})

export const qwen3 = defineFamily({
  name: 'qwen3',
  about: 'Qwen 3 (arXiv 2505.09388): norms of queries and keys',
  fields: { ...qwenFields, attention_bias: flag(false, 'biases of all projections of the attention') },
  plan: (c) =>
    densePlan('qwen3', c, (i) => ({
      qkNorm: 'head',
      bias: c.attention_bias,
      outBias: c.attention_bias,
      window: qwenWindow(c, i),
    })),
})

export const smollm3 = defineFamily({
  name: 'smollm3',
  about: 'SmolLM3: every fourth layer has no rotary positions (Yang et al. 2025, arXiv 2501.18795)',
  fields: {
    ...denseFields,
    ...windowFields,
    tie_word_embeddings: { ...denseFields.tie_word_embeddings, default: true },
    use_sliding_window: flag(false, 'whether some layers slide'),
    attention_bias: flag(false, 'biases of all projections of the attention'),
    mlp_bias: flag(false, 'biases of the feed-forward layers'),
    no_rope_layers: {
      default: [1] as readonly number[],
      help: '1 for each layer that has rotary positions',
      min: 0,
      max: 1,
    },
    no_rope_layer_interval: {
      ...denseFields.num_hidden_layers,
      default: 4,
      help: 'each such layer has none, where there is no list',
    },
  },
  plan(c) {
    const turns = (i: number): boolean =>
      c.no_rope_layers.length === c.num_hidden_layers
        ? c.no_rope_layers[i] === 1
        : (i + 1) % c.no_rope_layer_interval !== 0
    // Without a list the layers slide that have no positions.
    const slid = (i: number): boolean =>
      c.layer_types.length > 0 ? c.layer_types[i] === 'sliding_attention' : !turns(i)
    const special = (i: number): Attention => ({
      bias: c.attention_bias,
      outBias: c.attention_bias,
      window: c.use_sliding_window && slid(i) ? c.sliding_window : null,
      ...(turns(i) ? {} : { rope: null }),
    })
    return densePlan('smollm3', c, special, c.mlp_bias)
  },
})
