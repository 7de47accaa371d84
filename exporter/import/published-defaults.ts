/** What transformers takes where a configuration leaves an option out, as far as it differs from our fields' defaults. */

type Config = Readonly<Record<string, unknown>>

const delta: Config = {
  partial_rotary_factor: 0.25,
  num_attention_heads: 16,
  head_dim: 256,
  linear_num_key_heads: 16,
  linear_num_value_heads: 32,
  linear_key_head_dim: 128,
  linear_value_head_dim: 128,
  max_position_embeddings: 32_768,
}

const gemma4: Config = {
  vocab_size: 262_144,
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 30,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
}

/** By family; where models of one family have several names in configurations, by that name first. */
const DEFAULTS: Readonly<Record<string, Config>> = {
  mistral: { num_key_value_heads: 8, sliding_window: 4096, max_position_embeddings: 131_072 },
  ministral3: {
    num_key_value_heads: 8,
    head_dim: 128,
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000,
    max_position_embeddings: 262_144,
    rope_parameters: {
      rope_type: 'yarn',
      rope_theta: 1_000_000,
      factor: 16,
      original_max_position_embeddings: 16_384,
      beta_fast: 32,
      beta_slow: 1,
      mscale: 1,
      mscale_all_dim: 1,
      llama_4_scaling_beta: 0.1,
    },
  },
  qwen2: { num_attention_heads: 32, num_key_value_heads: 32, max_position_embeddings: 32_768 },
  qwen3: { num_attention_heads: 32, num_key_value_heads: 32, head_dim: 128, max_position_embeddings: 32_768 },
  qwen3_moe: {
    num_key_value_heads: 4,
    num_experts: 128,
    num_experts_per_tok: 8,
    norm_topk_prob: false,
    max_position_embeddings: 32_768,
  },
  qwen3_next: { ...delta, num_key_value_heads: 2, num_experts: 512, num_experts_per_tok: 10 },
  qwen3_5: { ...delta, num_key_value_heads: 4 },
  qwen3_5_moe: { ...delta, num_key_value_heads: 2, num_experts: 256, num_experts_per_tok: 8 },
  smollm3: {
    rope_theta: 2_000_000,
    num_attention_heads: 16,
    num_key_value_heads: 4,
    max_position_embeddings: 32_768,
  },
  lfm2: { rope_theta: 1_000_000, num_key_value_heads: 8, max_position_embeddings: 128_000 },
  lfm3: {
    num_attention_heads: 16,
    num_key_value_heads: 4,
    head_dim: 128,
    conv_L_cache: 7,
    sliding_window: 256,
    max_position_embeddings: 128_000,
    rope_parameters: {
      sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
      full_attention: { rope_type: 'proportional', rope_theta: 1_000_000, partial_rotary_factor: 0.5 },
    },
  },
  gpt_oss: {
    num_attention_heads: 64,
    num_key_value_heads: 8,
    head_dim: 64,
    num_local_experts: 128,
    num_experts_per_tok: 4,
    rope_theta: 150_000,
    sliding_window: 128,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 131_072,
    rope_parameters: {
      rope_type: 'yarn',
      rope_theta: 150_000,
      factor: 32,
      beta_fast: 32,
      beta_slow: 1,
      truncate: false,
      original_max_position_embeddings: 4096,
    },
  },
  gemma3: {
    vocab_size: 262_208,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    sliding_window: 4096,
    query_pre_attn_scalar: 256,
    max_position_embeddings: 131_072,
  },
  gemma4: {
    ...gemma4,
    sliding_window: 512,
    max_position_embeddings: 131_072,
    vocab_size_per_layer_input: 262_144,
    hidden_size_per_layer_input: 256,
  },
  gemma4_unified_text: { ...gemma4, sliding_window: 1024, max_position_embeddings: 262_144 },
  falcon_h1: {
    num_key_value_heads: 8,
    rms_norm_eps: 1e-5,
    mamba_n_heads: 128,
    mamba_d_head: 8,
    mamba_d_state: 256,
    max_position_embeddings: 8192,
  },
  granitemoehybrid: {
    num_local_experts: 8,
    num_experts_per_tok: 2,
    mamba_n_heads: 128,
    mamba_d_head: 64,
    mamba_d_state: 256,
  },
  nemotron_h: {
    num_key_value_heads: 8,
    head_dim: 128,
    mamba_num_heads: 128,
    mamba_head_dim: 64,
    n_groups: 8,
    ssm_state_size: 128,
  },
  kimi_linear: {
    rms_norm_eps: 1e-5,
    routed_scaling_factor: 2.446,
    num_experts: 256,
    num_experts_per_token: 8,
    kv_lora_rank: 512,
    qk_nope_head_dim: 128,
    qk_rope_head_dim: 64,
    v_head_dim: 128,
  },
  olmo_hybrid: {
    linear_num_key_heads: 30,
    linear_num_value_heads: 30,
    linear_key_head_dim: 96,
    linear_value_head_dim: 192,
  },
  mamba2: { num_heads: 128, head_dim: 64, n_groups: 8, state_size: 128 },
}

/** The configuration, of a `model_type` and its family, with what it leaves out. Null is a value: it asks for none. */
export function withDefaults(type: string, family: string, config: Config): Config {
  const {
    rope_parameters: rotation,
    rope_theta,
    partial_rotary_factor,
    ...rest
  } = DEFAULTS[type] ?? DEFAULTS[family] ?? {}
  const given = (config['rope_parameters'] ?? {}) as Config
  const missing = (name: string): boolean => config[name] === undefined && given[name] === undefined
  // A base alone does not ask for a rotation of another kind.
  const unturned = config['rope_scaling'] === undefined && (config['rope_parameters'] ?? null) === null
  const base = config['rope_theta'] === undefined ? {} : { rope_theta: config['rope_theta'] }
  return {
    ...rest,
    // A rotation's base and share of the channels may stand in either of two places.
    ...(rope_theta !== undefined && missing('rope_theta') ? { rope_theta } : {}),
    ...(partial_rotary_factor !== undefined && missing('partial_rotary_factor') ? { partial_rotary_factor } : {}),
    ...config,
    ...(rotation !== undefined && unturned ? { rope_parameters: { ...(rotation as Config), ...base } } : {}),
  }
}
