/** Keys of published configurations that cannot change what a text model computes, with what they may be. */

const names = (text: string): string[] => text.trim().split(/\s+/)

/** Labels, training and caching. */
const LABELS = names(`
  model_type architectures auto_map transformers_version torch_dtype dtype _name_or_path name bos_token_id
  eos_token_id pad_token_id sep_token_id cls_token_id decoder_start_token_id use_cache cache_implementation
  max_length task_specific_params id2label label2id problem_type initializer_range attention_dropout hidden_dropout
  resid_pdrop embd_pdrop attn_pdrop hidden_dropout_prob attention_probs_dropout_prob classifier_dropout
  embedding_dropout resid_dropout output_router_logits router_aux_loss_coef router_z_loss_coef pretraining_tp
  num_logits_to_keep output_attentions output_hidden_states return_dict num_labels gradient_checkpointing use_return_dict
  summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj
  rescale_prenorm_residual residual_in_fp32 use_mambapy use_mamba_kernels use_associative_scan time_step_floor
  time_step_init_scheme time_step_max time_step_min time_step_scale mamba_chunk_size chunk_size mamba_ssm_dtype
  mamba_ssm_cache_dtype mamba_expand reorder_and_upcast_attn context_length linear_a_log_max linear_a_log_min
  linear_dt_init_floor linear_dt_max linear_dt_min moe_shared_expert_overlap unsloth_version unsloth_fixed
  conv_use_xavier_init conv_dim conv_dim_out use_pos_enc block_dim block_mlp_init_scale block_out_init_scale
  block_use_swiglu block_use_xavier_init theta model_max_length is_decoder n_ctx max_position_embeddings
  tokenizer_class _sliding_window_pattern chunk_size_feed_forward _attn_implementation_autoset
`)

/** Of sampling, which transformers 4 writes of every configuration within another, and which is not read from there. */
const SAMPLING = names(`
  min_length num_beams num_beam_groups num_return_sequences temperature top_k top_p typical_p repetition_penalty
  length_penalty diversity_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size early_stopping do_sample
  remove_invalid_values return_dict_in_generate output_scores
`)

/** Layers that predict several tokens, and the other senses of a wrapper: their tensors are left out by name. */
const OTHER_SENSES = names(`
  mtp_num_hidden_layers mtp_use_dedicated_embeddings mtp_layers_block_type num_nextn_predict_layers
  mtp_hybrid_override_pattern vision_config image_token_id video_token_id vision_start_token_id
`)

const NO_EFFECT: ReadonlySet<string> = new Set([...LABELS, ...SAMPLING, ...OTHER_SENSES])

/** Of one family each: what only says again what other keys say, or what all published models have. */
const FAMILY: Readonly<Record<string, readonly string[]>> = {
  qwen3_5: ['full_attention_interval'],
  qwen3_5_moe: ['full_attention_interval', 'intermediate_size'],
  // transformers reads the bound of the scores and does not use it.
  gemma3: ['attn_logit_softcapping'],
  mamba: [
    'intermediate_size',
    'd_inner',
    'n_layer',
    'd_model',
    'ssm_cfg',
    'rms_norm',
    'fused_add_norm',
    'residual_in_fp32',
  ],
  mamba2: ['expand', 'time_step_rank', 'intermediate_size', 'd_model', 'n_layer'],
  nemotron_h: ['expand', 'num_hidden_layers', 'time_step_rank'],
  falcon_h1: ['mamba_d_ssm', 'mamba_use_mlp', 'attn_layer_indices', 'mlp_expansion_factor', 'time_step_rank'],
  granitemoehybrid: ['init_method', 'normalization_function', 'mamba_d_ssm'],
  kimi_linear: names(
    `head_dim num_key_value_heads qk_head_dim use_grouped_topk rope_parameters num_local_experts
     n_group norm_topk_prob num_experts_per_tok n_shared_experts`,
  ),
  lfm2: ['hidden_act', 'rope_theta'],
  lfm3: ['hidden_act'],
  smollm3: ['max_window_layers'],
  qwen3_moe: ['max_window_layers', 'layer_types'],
  olmo_hybrid: ['fla_hybrid_attention_indices'],
  rwkv: ['max_position_embeddings'],
  modernbert: names(
    `tie_word_embeddings initializer_cutoff_factor decoder_bias deterministic_flash_attn sparse_prediction
     sparse_pred_ignore_index mlp_dropout reference_compile repad_logits_with_grad position_embedding_type layer_norm_eps`,
  ),
  'deberta-v2': names(`tie_word_embeddings legacy pooler_dropout cls_dropout`),
  bert: names(
    `tie_word_embeddings directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers
     pooler_size_per_head pooler_type chunk_size_feed_forward`,
  ),
}

/** What must have one value, since the others are not done. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu'],
  rms_norm: [true],
  attn_output_gate: [true],
  // With `vision`, tokens of text see only what is before them.
  use_bidirectional_attention: [false, 'vision'],
  add_cross_attention: [false],
  is_encoder_decoder: [false],
  mla_use_nope: [true],
  moe_router_activation_func: ['sigmoid'],
  moe_layer_freq: [1],
  mamba_proj_bias: [false],
  scale_attn_weights: [true],
  attention_bias: [false],
  mlp_bias: [false],
  sliding_window: [null, 0],
  use_sliding_window: [false],
  tie_encoder_decoder: [false],
  conv_kernel_size: [0],
}

/** Whether a key that no field takes may be left out, given its value. */
export function cannotChange(family: string, name: string, value: unknown): boolean {
  if (NO_EFFECT.has(name) || FAMILY[family]?.includes(name)) return true
  const allowed = FIXED[name]
  if (allowed) return allowed.includes(value)
  // What is off, empty or null asks for nothing.
  return value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
}
