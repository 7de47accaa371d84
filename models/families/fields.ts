/** Options that many families have, by their published names (config.json of transformers). */
import { choice, count, flag, optional, real, type Field, type Options } from '../config.ts'
import { ACTIVATIONS } from '../layers/activation.ts'

/** Options within an option, which the family reads itself. */
export const group = (help: string): Field<Options> => ({ default: {}, help })

/** A list of texts, such as the kinds of the layers. */
export const texts = (help: string): Field<readonly string[]> => ({ default: [], help, items: 'string' })

/** A list of numbers, such as those of layers. */
export const numbers = (help: string): Field<readonly number[]> => ({ default: [], help, items: 'number' })

export const activation = choice('silu', ACTIVATIONS, 'activation of the feed-forward layers')

/** What every decoder has; small defaults, so that one can be trained without more. */
export const decoderFields = {
  vocab_size: count(256, 'size of the vocabulary'),
  hidden_size: count(128, 'width of the model', 1, 65_536),
  num_hidden_layers: count(4, 'number of layers', 1, 1024),
  tie_word_embeddings: flag(false, 'the head is the embedding'),
  max_position_embeddings: count(2048, 'tokens of a sequence that the model was made for', 1, 1 << 30),
}

export const rmsNormField = { rms_norm_eps: real(1e-6, 'added under the root of a norm', 0, 1) }

export const attentionFields = {
  num_attention_heads: count(4, 'heads of queries'),
  num_key_value_heads: optional(count(4, 'heads of keys and values; as many as of queries without')),
  head_dim: optional(count(32, 'channels of a head; hidden_size / num_attention_heads without')),
  rope_parameters: group('kind, base and stretching of the rotary position embedding'),
}

export const windowFields = {
  sliding_window: optional(count(4096, 'tokens that sliding layers see', 1, 1 << 30)),
  layer_types: texts('kind of each layer'),
}

export const denseFields = {
  ...decoderFields,
  ...rmsNormField,
  ...attentionFields,
  intermediate_size: count(352, 'inner width of the feed-forward layers', 0),
  hidden_act: activation,
}

export const expertsFields = {
  num_experts: count(8, 'experts of a layer', 0),
  num_experts_per_tok: count(2, 'experts of a token', 0),
  moe_intermediate_size: count(64, 'inner width of an expert', 0),
  norm_topk_prob: flag(true, 'shares of the chosen experts sum to 1'),
}

/** Heads of keys and values, and channels of a head. */
export const headsOf = (c: {
  readonly hidden_size: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number | null
  readonly head_dim: number | null
}) => ({
  width: c.hidden_size,
  heads: c.num_attention_heads,
  kvHeads: c.num_key_value_heads ?? c.num_attention_heads,
  channels: c.head_dim ?? Math.floor(c.hidden_size / c.num_attention_heads),
})
