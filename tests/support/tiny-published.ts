/** Small bundles of published families. */
import { readPublishedConfig } from '../../exporter/import/published-config.ts'
import { writeModelBundle } from './tiny-bundle.ts'

const shape = { vocab_size: 264, hidden_size: 32, intermediate_size: 48, max_position_embeddings: 4096 }
const attention = { num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, tie_word_embeddings: true }

/** Configurations as transformers has them. */
export const TINY_PUBLISHED = {
  /** A Transformer: its state only grows. */
  llama: { ...shape, ...attention, model_type: 'llama', num_hidden_layers: 2, rms_norm_eps: 1e-5 },
  /** A hybrid: gated delta layers and, each fourth, attention. */
  qwen3_5_text: {
    ...shape,
    ...attention,
    model_type: 'qwen3_5_text',
    num_hidden_layers: 4,
    rms_norm_eps: 1e-6,
    linear_num_key_heads: 2,
    linear_num_value_heads: 2,
    linear_key_head_dim: 8,
    linear_value_head_dim: 8,
    linear_conv_kernel_dim: 4,
    rope_parameters: { rope_type: 'default', rope_theta: 10_000, partial_rotary_factor: 0.5 },
  },
} as const

export type TinyPublished = keyof typeof TINY_PUBLISHED

/** Writes a bundle named after its family into `folder`. */
export function writeTinyPublished(folder: string, family: TinyPublished): Promise<string> {
  return writeModelBundle(folder, readPublishedConfig(TINY_PUBLISHED[family]).model, family, {})
}
