/** Fields of a configuration that most architectures have, from the metadata of a GGUF file. */
import { SourceError } from '../contract.ts'
import type { GgufModel } from './model.ts'

export type Config = Record<string, unknown>

/** The published model that a file was converted from, but for its tensors, which are in `model.mappings`. */
export type Architecture = (model: GgufModel) => Config | Promise<Config>

/** Sizes, the vocabulary, special tokens; hidden width under its usual name. */
export function commonFields(model: GgufModel, type: string, className: string): Config {
  return {
    architectures: [className],
    model_type: type,
    hidden_size: model.count('embedding_length'),
    num_hidden_layers: model.layers,
    vocab_size: model.tensor('token_embd.weight').shape[0]!,
    max_position_embeddings: model.count('context_length'),
    tie_word_embeddings: !model.has('output.weight'),
    ...specialTokens(model),
  }
}

/** Heads and their width, for models whose layers all have the same. */
export function attentionFields(model: GgufModel): Config {
  const heads = model.count('attention.head_count')
  const headDim = model.count('attention.key_length', model.count('embedding_length') / heads)
  if (model.number('attention.value_length', headDim) !== headDim)
    throw model.wrong('attention.value_length', `${headDim}, as keys have`, model.count('attention.value_length'))
  return {
    num_attention_heads: heads,
    num_key_value_heads: Math.max(...model.perLayer('attention.head_count_kv')),
    head_dim: headDim,
    rms_norm_eps: model.number('attention.layer_norm_rms_epsilon'),
  }
}

/** The ids that the tokenizer's metadata names. */
export function specialTokens({ file: { metadata } }: GgufModel): Config {
  const names = { bos: 'bos_token_id', eos: 'eos_token_id', padding: 'pad_token_id' }
  return Object.fromEntries(
    Object.entries(names).flatMap(([from, to]) => {
      const id = metadata.get(`tokenizer.ggml.${from}_token_id`)
      return typeof id === 'number' ? [[to, id]] : []
    }),
  )
}

/** Embedding, last norm, and the head unless it is tied. */
export function outerTensors(model: GgufModel, embedding: string, norm: string): void {
  model.put(embedding, 'token_embd.weight')
  model.put(norm, 'output_norm.weight')
  model.putIfThere('lm_head.weight', 'output.weight')
}

/** Layers' kinds by a list of flags, or every `full_attention_interval`-th with attention. */
export function layerTypes(model: GgufModel, recurrent: string): string[] {
  const flags = model.flagsPerLayer('attention.recurrent_layers')
  const interval = flags ? 0 : model.count('full_attention_interval', 4)
  return Array.from({ length: model.layers }, (_, layer) =>
    (flags?.[layer] ?? (layer + 1) % interval !== 0) ? recurrent : 'full_attention',
  )
}

/** Refuses options of a file that the published family does not have. */
export function refuseExperts(model: GgufModel): void {
  if (model.number('expert_count', 0) > 0)
    throw new SourceError(
      `${model.file.path}: is a ${model.architecture} model with experts, which cannot be imported from GGUF`,
    )
}
