/** Gemma 4 (Google DeepMind 2026), text: E2B and E4B with embeddings for each layer, 26B-A4B with experts, 31B. */
import {
  choice,
  ConfigError,
  configure,
  count,
  flag,
  optional,
  real,
  requires,
  type ConfigOf,
  type Options,
} from '../config.ts'
import { ACTIVATIONS } from '../layers/activation.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf, type Rope } from '../layers/rotary.ts'
import { sharedAttention } from '../layers/shared-attention.ts'
import type { SparseExpertsConfig } from '../layers/sparse-experts.ts'
import type { Module } from '../module.ts'
import { defineFamily, type DecoderPlan } from './decoder.ts'
import { attentionFields, decoderFields, expertsFields, group, headsOf, rmsNormField, windowFields } from './fields.ts'
import { gemma4Block } from './gemma4-block.ts'

const FULL = 'full_attention'
const SLIDING = 'sliding_attention'

const fields = {
  ...decoderFields,
  ...rmsNormField,
  ...attentionFields,
  ...windowFields,
  tie_word_embeddings: { ...decoderFields.tie_word_embeddings, default: true },
  intermediate_size: count(352, 'inner width of the feed-forward layers'),
  hidden_activation: choice('gelu_pytorch_tanh', ACTIVATIONS, 'activation of the feed-forward layers'),
  attention_bias: flag(false, 'biases of all projections of the attention'),
  attention_k_eq_v: flag(false, 'full layers take the projection of the keys for the values'),
  global_head_dim: optional(count(64, 'channels of a head in full layers; head_dim without')),
  num_global_key_value_heads: optional(count(2, 'heads of keys and values in full layers, with attention_k_eq_v')),
  per_layer_config: group('head_dim and num_key_value_heads of single layers, by their number'),
  num_kv_shared_layers: count(0, 'so many last layers read keys and values of the last layer of their kind before', 0),
  use_double_wide_mlp: flag(false, 'layers that share keys and values have feed-forward layers of double width'),
  hidden_size_per_layer_input: count(0, 'channels of the input that each layer has of its own', 0),
  vocab_size_per_layer_input: optional(count(256, 'tokens that have such an input; vocab_size without')),
  final_logit_softcapping: optional(real(30, 'bound of the logits', 1e-3, 1e6)),
  enable_moe_block: flag(false, 'experts beside each feed-forward layer'),
  num_experts: optional(expertsFields.num_experts),
  top_k_experts: optional(expertsFields.num_experts_per_tok),
  moe_intermediate_size: optional(expertsFields.moe_intermediate_size),
}

type Gemma4 = ConfigOf<typeof fields>

/** Where a configuration says nothing of the rotation of a kind of layer. */
const ROPE: Readonly<Record<string, Options>> = {
  [FULL]: { rope_type: 'proportional', partial_rotary_factor: 0.25, rope_theta: 1_000_000 },
  [SLIDING]: { rope_type: 'default', rope_theta: 10_000 },
}

const layerFields = {
  head_dim: attentionFields.head_dim,
  num_key_value_heads: attentionFields.num_key_value_heads,
}

/** What layer i has of its own. */
interface Layer {
  readonly kind: string
  readonly channels: number
  readonly kvHeads: number
  /** The layer whose keys and values it reads. */
  readonly sharedFrom: number | undefined
}

/** Each sixth layer and the last one are full where there is no list; the last one is full whatever the list says. */
function kindOf(c: Gemma4, i: number): string {
  if (i === c.num_hidden_layers - 1) return FULL
  return c.layer_types.length > 0 ? c.layer_types[i]! : (i + 1) % 6 === 0 ? FULL : SLIDING
}

function layersOf(c: Gemma4): Layer[] {
  const { channels, kvHeads } = headsOf(c)
  const own = new Map(
    Object.entries(c.per_layer_config).map(([i, options]) => [
      Number(i),
      configure(`gemma4.per_layer_config.${i}`, layerFields, options as Options),
    ]),
  )
  const kinds = Array.from({ length: c.num_hidden_layers }, (_, i) => kindOf(c, i))
  const firstShared = Math.max(0, c.num_hidden_layers - c.num_kv_shared_layers)
  return kinds.map((kind, i) => {
    const full = kind === FULL
    const wide = full ? c.global_head_dim : null
    const few = full && c.attention_k_eq_v ? c.num_global_key_value_heads : null
    return {
      kind,
      channels: own.get(i)?.head_dim ?? wide ?? channels,
      kvHeads: own.get(i)?.num_key_value_heads ?? few ?? kvHeads,
      sharedFrom: i < firstShared ? undefined : kinds.slice(0, firstShared).lastIndexOf(kind),
    }
  })
}

export const gemma4 = defineFamily({
  name: 'gemma4',
  about: 'Gemma 4, text: wide heads in full layers, values with a norm, layers with an input of their own',
  fields,
  check,
  plan(c): DecoderPlan {
    const layers = layersOf(c)
    const inputChannels = c.hidden_size_per_layer_input
    const [width, eps, activation] = [c.hidden_size, c.rms_norm_eps, c.hidden_activation]
    const block = { width, eps, activation, inputChannels, experts: expertsOf(c) }
    const mlp = ({ sharedFrom }: Layer): Module => {
      const wide = c.use_double_wide_mlp && sharedFrom !== undefined
      return gatedMlp({ width, hidden: (wide ? 2 : 1) * c.intermediate_size, activation })
    }
    return {
      vocab: c.vocab_size,
      width,
      layers: layers.map((layer) => gemma4Block(block, attentionOf(c, layer), mlp(layer))),
      sharedFrom: layers.map(({ sharedFrom }) => sharedFrom),
      layerInputs:
        inputChannels === 0
          ? undefined
          : {
              vocab: c.vocab_size_per_layer_input ?? c.vocab_size,
              width,
              layers: layers.length,
              channels: inputChannels,
              eps,
            },
      eps,
      tied: c.tie_word_embeddings,
      embedScale: Math.sqrt(width),
      softcap: c.final_logit_softcapping,
    }
  },
})

/** Scores are products of normed queries and keys, as they are. */
function attentionOf(c: Gemma4, { kind, channels, kvHeads, sharedFrom }: Layer): Module {
  const common = {
    width: c.hidden_size,
    heads: c.num_attention_heads,
    kvHeads,
    channels,
    rope: ropeOfKind(c, kind, channels),
    scale: 1,
    bias: c.attention_bias,
    outBias: c.attention_bias,
    window: kind === SLIDING ? c.sliding_window : null,
    eps: c.rms_norm_eps,
  }
  if (sharedFrom !== undefined) return sharedAttention(common)
  const keysAsValues = c.attention_k_eq_v && kind === FULL
  return groupedAttention({ ...common, qkNorm: 'head', valueNorm: true, keysAsValues })
}

function ropeOfKind(c: Gemma4, kind: string, channels: number): Rope | null {
  const given = (c.rope_parameters[kind] ?? ROPE[kind]!) as Options
  const { partial_rotary_factor: _, ...whole } = given
  // Transformers turns all channels where the rotation is a plain one.
  const parameters = (given['rope_type'] ?? 'default') === 'default' ? whole : given
  return ropeOf(`gemma4.${kind}`, parameters, channels, c.max_position_embeddings)
}

function expertsOf(c: Gemma4): SparseExpertsConfig | undefined {
  if (!c.enable_moe_block) return undefined
  return {
    width: c.hidden_size,
    hidden: c.moe_intermediate_size ?? 0,
    experts: c.num_experts ?? 0,
    top: c.top_k_experts ?? 0,
    activation: c.hidden_activation,
    gated: true,
    scores: 'softmax',
    normalise: true,
  }
}

function check(c: Gemma4): void {
  const count = c.num_hidden_layers
  const { layer_types: kinds, vocab_size_per_layer_input: vocab } = c
  requires(
    kinds.length === 0 || (kinds.length === count && kinds.every((kind) => kind === FULL || kind === SLIDING)),
    `gemma4.layer_types: expected ${FULL} or ${SLIDING} for each of ${count} layers, got ${kinds.join(', ')}`,
  )
  const stray = Object.keys(c.per_layer_config).find(
    (i) => !(Number.isInteger(Number(i)) && Number(i) >= 0 && Number(i) < count),
  )
  if (stray !== undefined)
    throw new ConfigError(`gemma4.per_layer_config: expected numbers of layers below ${count}, got ${stray}`)
  requires(
    c.hidden_size_per_layer_input === 0 || vocab === null || vocab >= c.vocab_size,
    `gemma4.vocab_size_per_layer_input: expected at least vocab_size, ${c.vocab_size}, got ${vocab}`,
  )
  requires(
    !c.enable_moe_block || (c.moe_intermediate_size! > 0 && c.top_k_experts! > 0 && c.num_experts! >= c.top_k_experts!),
    `gemma4.enable_moe_block: expected num_experts, top_k_experts and moe_intermediate_size, got ` +
      `${c.num_experts}, ${c.top_k_experts} and ${c.moe_intermediate_size}`,
  )
  checkShared(layersOf(c))
}

/** Throws where a layer cannot read the keys and values of an earlier one. */
function checkShared(layers: readonly Layer[]): void {
  for (const [i, { kind, channels, kvHeads, sharedFrom }] of layers.entries()) {
    if (sharedFrom === undefined) continue
    const source = layers[sharedFrom]
    if (!source)
      throw new ConfigError(`gemma4.num_kv_shared_layers: layer ${i} has no ${kind} layer before those that share`)
    requires(
      channels === source.channels && kvHeads === source.kvHeads,
      `gemma4.per_layer_config.${i}: expected ${source.kvHeads} heads of ${source.channels} channels, as layer ` +
        `${sharedFrom} has, whose keys and values it reads, got ${kvHeads} of ${channels}`,
    )
  }
}
