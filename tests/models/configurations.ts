/** Small configurations of every architecture, and of every option that changes the graph: what the invariants run over. */
import { createModel } from '../../models/registry.ts'

const common = { vocab: 23, width: 16, heads: 2, hidden: 24 }
const memory = { ...common, window: 6, memoryHeads: 2, keys: 8, values: 4 }

const mixture = { ...common, layers: 2, window: 6, experts: 5, topExperts: 3 }
const fast = { ...common, layers: 2, window: 6, memoryWidth: 8, chunk: 5 }

const banks = { ...common, layers: 2, window: 6, rows: 12, memoryHeads: 2, memoryStd: 0.5, zeroOutput: false }
const chapters = { ...banks, chapters: 4, topChapters: 2, routingWindow: 4 }

const plain = { ...common, layers: 2, window: 6 }
const attached = { vocab: 23, rows: 12, memoryHeads: 2, memoryStd: 0.5, zeroOutput: false }
const low = { loraRank: 2, loraAlpha: 4, loraTargets: '(qkv|up|embed)$' }

const slots = { vocab: 23, width: 16, heads: 2, layers: 2, slots: 3, chunk: 5, cadence: 2 }

const stride = {
  vocab: 23,
  width: 16,
  heads: 2,
  layers: 2,
  outputs: 3,
  tokens: 6,
  stride: 4,
  keys: 8,
  ssmLayers: 1,
  ssmStates: 4,
}

const table: readonly (readonly [name: string, architecture: string, options: Record<string, unknown>])[] = [
  ['vanilla', 'vanilla', { ...common, layers: 2, window: 6 }],
  ['rsm', 'rsm', { ...slots }],
  ['rsm with mean pooling and a memory per layer', 'rsm', { ...slots, pooling: 'mean', memory: 'layer' }],
  ['rsm with mean pooling and reads of its own chunk', 'rsm', { ...slots, pooling: 'mean', read: 'seed' }],
  ['rsm without sync, reset after three chunks', 'rsm', { ...slots, sync: false, resetEvery: 3 }],
  ['smt', 'smt', { ...stride }],
  ['smt with a window as long as its stride', 'smt', { ...stride, outputs: 1, tokens: 4, ssmLayers: 2, ssmConv: 2 }],
  ['smt that slides', 'smt', { ...stride, mode: 'sliding' }],
  ['delta', 'delta', { ...memory, layers: 'ad' }],
  ['delta without decay', 'delta', { ...memory, layers: 'da', decay: 'none', betaMax: [1, 0.5] }],
  ['delta with a decay per channel', 'delta', { ...memory, layers: 'ad', decay: 'channel', betaMax: [2] }],
  ['delta with two writes a token', 'delta', { ...memory, layers: 'da', products: 2, betaMax: [2] }],
  ['delta with an exact cache', 'delta', { ...memory, layers: 'ad', cache: 5 }],
  [
    'delta with three writes, a decay per channel and an aging cache',
    'delta',
    { ...memory, layers: 'd', decay: 'channel', products: 3, cache: 4, cacheHalfLife: 64 },
  ],
  [
    'delta with slots and a learning network',
    'delta',
    { ...memory, layers: 'asdt', chunk: 5, slots: 3, networkWidth: 8 },
  ],
  ['delta without feed-forward layers', 'delta', { ...memory, layers: 'dd', hidden: 0 }],
  ['moc', 'moc', { ...banks }],
  [
    'moc with blocks B, factorized banks per layer, low-rank projections',
    'moc',
    { ...banks, block: 'B', bank: 'factorized', rank: 4, sharing: 'per_layer', projectionRank: 3 },
  ],
  [
    'moc with a reduced bank in the last layer, shared heads of keys',
    'moc',
    { ...banks, bank: 'reduced', rank: 8, placement: 'last_k', memoryKeyHeads: 1 },
  ],
  ['moc with an int8 bank in the first layer', 'moc', { ...banks, quantize: 'int8', placement: 'first_k' }],
  [
    'moc with int4 banks of narrow rows, every second of three layers',
    'moc',
    {
      ...banks,
      layers: 3,
      quantize: 'int4',
      rowWidth: 6,
      placement: 'every_n',
      sharing: 'every_k_layers',
      sharingEvery: 1,
    },
  ],
  ['moc with chapters routed by token, all losses', 'moc', { ...chapters, auxiliaryLoss: 0.5, zLoss: 0.1 }],
  ['moc with chapters routed by window, one shared', 'moc', { ...chapters, routing: 'rolling', sharedChapters: 1 }],
  ['moc with chapters routed by the window before', 'moc', { ...chapters, routing: 'hybrid', routedScale: 2 }],
  ['moc with chapters routed by row', 'moc', { ...chapters, routing: 'sequence' }],
  ['moc with chapters routed by windows of the row', 'moc', { ...chapters, routing: 'sequence_rolling' }],
  ['moc without a memory', 'moc', { ...banks, placement: 'none' }],
  ['adapter', 'adapter', { ...attached, baseConfig: plain, frozen: false }],
  [
    'adapter of delta with routed memories and low-rank additions',
    'adapter',
    {
      ...attached,
      ...low,
      base: 'delta',
      baseConfig: { ...memory, layers: 'ad' },
      adapters: 'both',
      chapters: 4,
      topChapters: 2,
    },
  ],
  [
    'adapter of rsm with a memory',
    'adapter',
    { ...attached, base: 'rsm', baseConfig: slots, chapters: 4, topChapters: 2 },
  ],
  [
    'adapter of moc with low-rank additions',
    'adapter',
    { ...low, vocab: 23, base: 'moc', baseConfig: banks, adapters: 'lora' },
  ],
  ['adapter of nmt', 'adapter', { ...attached, base: 'nmt', baseConfig: fast, placement: 'last_k', quantize: 'int8' }],
  ['adapter of hmst', 'adapter', { ...attached, base: 'hmst', baseConfig: mixture }],
  ['adapter of smt', 'adapter', { ...attached, base: 'smt', baseConfig: { ...stride, mode: 'sliding' } }],
  ['nmt', 'nmt', { ...fast }],
  ['nmt with one memory for all layers, and a threshold', 'nmt', { ...fast, memory: 'shared', threshold: 0.5 }],
  ['nmt with memory as context and persistent tokens', 'nmt', { ...fast, variant: 'mac', persistent: 3 }],
  ['nmt with memory as gate, without momentum', 'nmt', { ...fast, variant: 'mag', momentum: false, clip: 0.1 }],
  [
    'nmt with memory as layer, linear, without decay and bound',
    'nmt',
    { ...fast, variant: 'mal', depth: 1, decay: false, clip: 0, thetaMax: 0.1 },
  ],
  [
    'nmt with relu, a plain sum of gradients, commits at each token',
    'nmt',
    { ...fast, layers: 1, chunk: 1, activation: 'relu', momentum: false, decay: false },
  ],
  ['nmt with a memory that does not learn', 'nmt', { ...fast, update: false }],
  ['hmst', 'hmst', { ...mixture }],
  ['hmst with sparse dispatch', 'hmst', { ...mixture, dispatch: 'sparse' }],
  ['hmst with one expert', 'hmst', { ...mixture, experts: 1, topExperts: 1 }],
]

/** All that can be trained. */
export const trainable = table.map(([name, architecture, options], i) => ({
  name,
  model: createModel(architecture, options),
  /** The first of its architecture: what takes long runs over these only. */
  first: table.findIndex((row) => row[1] === architecture) === i,
}))

/** All that can be served too. */
export const configurations = trainable.filter(({ model }) => model.trainingOnly === undefined)

const decoder = { vocab_size: 23, hidden_size: 16, num_hidden_layers: 2, max_position_embeddings: 64 }
const grouped = { ...decoder, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, intermediate_size: 24 }
const kinds = ['linear_attention', 'full_attention']
const deltas = {
  linear_num_key_heads: 2,
  linear_num_value_heads: 4,
  linear_key_head_dim: 8,
  linear_value_head_dim: 4,
  linear_conv_kernel_dim: 3,
}
const experts = { num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 8 }
const states = { mamba_n_heads: 4, mamba_d_head: 8, mamba_n_groups: 2, mamba_d_state: 6, mamba_d_conv: 3 }
const short = { ...decoder, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, intermediate_size: 24 }

const familyTable: readonly (readonly [family: string, options: Record<string, unknown>, name?: string])[] = [
  ['llama', { ...grouped, tie_word_embeddings: true }],
  ['mistral', { ...grouped, sliding_window: 5 }],
  ['ministral3', { ...grouped }],
  ['qwen2', { ...grouped }],
  ['qwen3', { ...grouped }],
  ['smollm3', { ...grouped, no_rope_layers: [1, 0] }],
  ['qwen3_moe', { ...grouped, ...experts }],
  ['gpt_oss', { ...grouped, num_local_experts: 3, num_experts_per_tok: 2, sliding_window: 5 }],
  [
    'gemma3',
    { ...grouped, query_pre_attn_scalar: 8, sliding_window: 5, layer_types: ['sliding_attention', 'full_attention'] },
  ],
  [
    'gemma4',
    {
      ...grouped,
      num_hidden_layers: 4,
      sliding_window: 5,
      layer_types: ['sliding_attention', 'full_attention', 'sliding_attention', 'full_attention'],
      global_head_dim: 16,
      num_kv_shared_layers: 2,
      use_double_wide_mlp: true,
      hidden_size_per_layer_input: 6,
      final_logit_softcapping: 12,
    },
  ],
  [
    'gemma4',
    {
      ...grouped,
      sliding_window: 5,
      layer_types: ['sliding_attention', 'full_attention'],
      global_head_dim: 16,
      attention_k_eq_v: true,
      num_global_key_value_heads: 1,
      enable_moe_block: true,
      num_experts: 4,
      top_k_experts: 2,
      moe_intermediate_size: 8,
    },
    'gemma4 with experts, and keys for values',
  ],
  ['gpt2', { vocab_size: 23, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 64, n_inner: 24 }],
  ['qwen3_5', { ...grouped, ...deltas, layer_types: kinds }],
  ['qwen3_5_moe', { ...grouped, ...deltas, ...experts, layer_types: kinds, shared_expert_intermediate_size: 8 }],
  ['qwen3_next', { ...grouped, ...deltas, num_experts: 0, layer_types: kinds }],
  [
    'kimi_linear',
    {
      ...decoder,
      layer_types: kinds,
      mlp_layer_types: ['dense', 'sparse'],
      intermediate_size: 24,
      num_attention_heads: 2,
      kv_lora_rank: 12,
      qk_nope_head_dim: 6,
      qk_rope_head_dim: 4,
      v_head_dim: 6,
      linear_num_heads: 2,
      linear_head_dim: 8,
      linear_conv_kernel_dim: 3,
      num_experts: 4,
      num_experts_per_token: 2,
      moe_intermediate_size: 8,
    },
  ],
  ['olmo_hybrid', { ...grouped, ...deltas, layer_types: kinds }],
  ['granitemoehybrid', { ...grouped, ...states, layer_types: kinds, shared_intermediate_size: 24 }],
  ['falcon_h1', { ...grouped, ...states, mamba_rms_norm: true }],
  [
    'nemotron_h',
    {
      vocab_size: 23,
      hidden_size: 16,
      layers_block_type: ['linear_attention', 'mlp', 'full_attention', 'moe'],
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 8,
      intermediate_size: 24,
      mamba_num_heads: 4,
      mamba_head_dim: 8,
      n_groups: 2,
      ssm_state_size: 6,
      conv_kernel: 3,
      n_routed_experts: 4,
      num_experts_per_tok: 2,
      moe_intermediate_size: 8,
      moe_shared_expert_intermediate_size: 8,
    },
  ],
  ['lfm2', { ...short, layer_types: ['conv', 'full_attention'], block_auto_adjust_ff_dim: false }],
  ['lfm3', { ...short, layer_types: ['conv', 'full_attention'] }],
  ['mamba', { ...decoder, state_size: 4, time_step_rank: 3, conv_kernel: 3 }],
  ['mamba2', { ...decoder, num_heads: 4, head_dim: 8, state_size: 6, conv_kernel: 3 }],
  ['rwkv', { vocab_size: 23, hidden_size: 16, num_hidden_layers: 2, intermediate_size: 24 }],
]

/** Every published family in small. */
export const familyConfigurations = familyTable.map(([family, options, name = family]) => ({
  name,
  model: createModel(family, options),
}))

/** Memories and low-rank additions on a family that multiplies by `op.linear`. */
export const familyAdapter = {
  name: 'adapter of qwen3_5 with memories and low-rank additions',
  model: createModel('adapter', {
    ...attached,
    base: 'qwen3_5',
    baseConfig: { ...grouped, ...deltas, layer_types: kinds },
    adapters: 'both',
    loraRank: 2,
    loraTargets: '(_proj|in_proj_qkv|lm_head)\\.weight$',
    chapters: 4,
    topChapters: 2,
  }),
}
