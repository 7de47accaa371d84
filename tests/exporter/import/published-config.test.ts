import { describe, expect, test } from 'vitest'
import { readPublishedConfig } from '../../../exporter/import/published-config.ts'

const dense = { hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, num_attention_heads: 4, vocab_size: 99 }
const optionsOf = (config: object) => readPublishedConfig(config as Record<string, unknown>).model.config

describe('a published configuration', () => {
  test('of transformers 4 and one of transformers 5 are read alike', () => {
    const old = { ...dense, model_type: 'llama', rope_theta: 5e5, rope_scaling: { type: 'linear', factor: 4 } }
    const now = { ...dense, model_type: 'llama', rope_parameters: { rope_type: 'linear', factor: 4, rope_theta: 5e5 } }
    expect(optionsOf(old)).toEqual(optionsOf(now))
  })

  test('that leaves an option out has what transformers takes then; null asks for none', () => {
    expect(optionsOf({ ...dense, model_type: 'mistral' })['sliding_window']).toBe(4096)
    expect(optionsOf({ ...dense, model_type: 'mistral', sliding_window: null })['sliding_window']).toBeNull()
    expect(optionsOf({ ...dense, model_type: 'smollm3' })['rope_parameters']).toEqual({ rope_theta: 2e6 })
    expect(optionsOf({ ...dense, model_type: 'smollm3', rope_theta: 5 })['rope_parameters']).toEqual({ rope_theta: 5 })
  })

  test('that leaves out what few models have alike is read with the values of its own family', () => {
    expect(optionsOf({ ...dense, model_type: 'qwen3_moe' })['norm_topk_prob']).toBe(false)
    expect(optionsOf({ ...dense, model_type: 'falcon_h1' })['rms_norm_eps']).toBe(1e-5)
    expect(optionsOf({ ...dense, model_type: 'kimi_linear' })).toMatchObject({
      rms_norm_eps: 1e-5,
      routed_scaling_factor: 2.446,
    })
    const next = { ...dense, model_type: 'qwen3_next' }
    expect(optionsOf(next)['rope_parameters']).toEqual({ partial_rotary_factor: 0.25 })
    const half = { partial_rotary_factor: 0.5, rope_theta: 5 }
    expect(optionsOf({ ...next, ...half })['rope_parameters']).toEqual(half)
    expect(optionsOf({ ...next, rope_parameters: half })['rope_parameters']).toEqual(half)
    const oss = { ...dense, model_type: 'gpt_oss' }
    expect(optionsOf(oss)['rope_parameters']).toMatchObject({ rope_type: 'yarn', factor: 32, truncate: false })
    expect(optionsOf({ ...oss, rope_theta: 5 })['rope_parameters']).toMatchObject({ rope_type: 'yarn', rope_theta: 5 })
    expect(optionsOf({ ...oss, rope_scaling: null })['rope_parameters']).toEqual({ rope_theta: 150_000 })
  })

  test('may name the kind of its rotation twice, and have what transformers writes of sampling', () => {
    const llama = { ...dense, model_type: 'llama', rope_parameters: { rope_type: 'linear', factor: 4 } }
    const written = { ...llama, rope_parameters: { ...llama.rope_parameters, type: 'linear' }, top_k: 50, num_beams: 1 }
    expect(optionsOf({ ...written, chunk_size_feed_forward: 0 })).toEqual(optionsOf(llama))
  })

  test('whose full layers are counted off has them where there is no list', () => {
    const gemma = { ...dense, num_hidden_layers: 4, model_type: 'gemma3_text', sliding_window_pattern: 2 }
    const [sliding, full] = ['sliding_attention', 'full_attention']
    expect(optionsOf(gemma)['layer_types']).toEqual([sliding, full, sliding, full])
    const list = [full, full, full, sliding]
    expect(optionsOf({ ...gemma, layer_types: list })['layer_types']).toEqual(list)
  })

  test('of a wrapper gives the text model, tied as the wrapper says', () => {
    const text = {
      hidden_size: 64,
      num_hidden_layers: 6,
      intermediate_size: 96,
      rope_scaling: { rope_type: 'linear', factor: 8 },
    }
    const { family, model, maxPositions } = readPublishedConfig({
      model_type: 'gemma3',
      tie_word_embeddings: true,
      text_config: { ...text, model_type: 'gemma3_text' },
      vision_config: { hidden_size: 8 },
    })
    expect([family, model.vocab, maxPositions]).toEqual(['gemma3', 262_208, 131_072])
    expect(model.config).toMatchObject({
      tie_word_embeddings: true,
      head_dim: 256,
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: 'default', rope_theta: 1e4 },
      },
    })
  })

  test('with layers by letters or numbers has them by their kinds', () => {
    const nemotron = { model_type: 'nemotron_h', hybrid_override_pattern: 'M-*E', hidden_size: 64, vocab_size: 99 }
    expect(optionsOf(nemotron)['layers_block_type']).toEqual(['linear_attention', 'mlp', 'full_attention', 'moe'])
    const lfm = { model_type: 'lfm2', full_attn_idxs: [1], num_hidden_layers: 3, hidden_size: 64, vocab_size: 99 }
    expect(optionsOf(lfm)['layer_types']).toEqual(['conv', 'full_attention', 'conv'])
    const kimi = { full_attn_layers: [2], kda_layers: [1, 3], head_dim: 8, num_heads: 2, short_conv_kernel_size: 4 }
    const config = {
      model_type: 'kimi_linear',
      num_hidden_layers: 3,
      first_k_dense_replace: 1,
      linear_attn_config: kimi,
    }
    expect(optionsOf(config)).toMatchObject({
      layer_types: ['linear_attention', 'full_attention', 'linear_attention'],
      mlp_layer_types: ['dense', 'sparse', 'sparse'],
      linear_head_dim: 8,
    })
  })

  test('may have what asks for nothing, and nothing else that is not known', () => {
    const llama = { ...dense, model_type: 'llama' }
    expect(optionsOf({ ...llama, new_feature: false, other: null, more: {}, torch_dtype: 'bfloat16' })).toEqual(
      optionsOf(llama),
    )
    expect(() => optionsOf({ ...llama, new_feature: true })).toThrow(
      'config.json: new_feature: true is not known for llama',
    )
    expect(() => optionsOf({ ...llama, rope_scaling: { rope_type: 'dynamic', factor: 2 } })).toThrow(
      /rope_type: expected .*got dynamic/,
    )
    const longrope = { rope_type: 'longrope', short_factor: [1], long_factor: [2] }
    expect(() => optionsOf({ ...llama, rope_scaling: longrope })).toThrow(/rope_type: expected .*got longrope/)
  })
})
