/** How each family's published tensors are named and laid out. */
import { eachTransposed, evenBeforeOdd, joinedConvolutions, range, rowsOf, transposed } from './layouts.ts'
import { one, stack, type Binding, type Names, type NamingRules, type Part } from './names.ts'

type Rules = NonNullable<NamingRules['made']>
type Config = Readonly<Record<string, unknown>>

const number = (config: Config, name: string): number => Number(config[name])

const transpose = (end: string): Rules => ({ [end]: (at, base) => one(at, base + end, transposed) })

/** Experts as one stack each (as transformers 5 writes them), or one by one: gate, up and down by their names. */
function experts(config: Config, count: string, [gate, up, down]: readonly [string | null, string, string]): Rules {
  const all = range(0, number(config, count))
  const each = (at: Names, base: string, ends: readonly string[]): Binding | undefined =>
    stack(
      at,
      base,
      all.flatMap((e) => ends.map((end) => `experts.${e}.${end}.weight`)),
    )
  return {
    'experts.up_proj': (at, base) =>
      each(at, base, gate === null ? [up] : [gate, up]) ?? stack(at, base, ['experts.gate_up_proj']),
    'experts.down_proj': (at, base) => each(at, base, [down]) ?? stack(at, base, ['experts.down_proj']),
  }
}

const dense: NamingRules = { segments: [['mixer', ['self_attn']]] }
const GATED = ['gate_proj', 'up_proj', 'down_proj'] as const
const conv = transpose('conv1d.weight')
/** Predictions of further tokens, and images (transformers leaves out the same). */
const OTHER_SENSES = /^(mtp\.|model\.mtp\.|model\.visual\.|(model\.)?(vision_tower|multi_modal_projector)\.)/
/** The towers of images and sounds of Gemma 4, and what joins them to the text. */
const GEMMA_SENSES = /^(model\.)?(vision_tower|audio_tower|embed_vision|embed_audio)\./

const rules: Readonly<Record<string, (config: Config) => NamingRules>> = {
  llama: () => ({ ...dense, left: /rotary_emb\.inv_freq$/ }),
  mistral: () => dense,
  ministral3: () => ({ ...dense, left: OTHER_SENSES }),
  qwen2: () => dense,
  qwen3: () => dense,
  smollm3: () => dense,
  gemma3: () => ({ ...dense, left: OTHER_SENSES }),
  gemma4: (c) => ({ ...dense, made: experts(c, 'num_experts', GATED), left: gemmaLeft(c) }),
  qwen3_moe: (c) => ({ ...dense, made: experts(c, 'num_experts', GATED) }),
  gpt_oss: () => ({
    segments: [
      ['mixer', ['self_attn']],
      ['mlp.gate', ['mlp.router']],
    ],
    made: {
      'experts.up_proj': (at, base) => one(at, `${base}experts.gate_up_proj`, gateThenUp),
      'experts.up_bias': (at, base) => one(at, `${base}experts.gate_up_proj_bias`, evenBeforeOdd),
      'experts.down_proj': (at, base) => one(at, `${base}experts.down_proj`, eachTransposed),
      'experts.down_bias': (at, base) => stack(at, base, ['experts.down_proj_bias']),
    },
  }),
  qwen3_5: () => ({ segments: [['mixer', ['self_attn', 'linear_attn']]], made: conv, left: OTHER_SENSES }),
  qwen3_5_moe: (c) => ({
    segments: [
      ['mixer', ['self_attn', 'linear_attn']],
      ['shared_experts', ['shared_expert']],
    ],
    made: { ...conv, ...experts(c, 'num_experts', GATED) },
    left: OTHER_SENSES,
  }),
  qwen3_next: (c) => ({
    segments: [
      ['mixer', ['self_attn', 'linear_attn']],
      ['shared_experts', ['shared_expert']],
    ],
    made: { ...conv, ...experts(c, 'num_experts', GATED), ...unfused(c) },
    left: OTHER_SENSES,
  }),
  olmo_hybrid: () => ({
    segments: [
      ['mixer', ['self_attn', 'linear_attn']],
      ['input_layernorm', ['input_layernorm', 'attention_layer_norm']],
      ['post_attention_layernorm', ['post_attention_layernorm', 'feedforward_layer_norm']],
      ['in_proj_z', ['g_proj']],
      ['in_proj_a', ['a_proj']],
      ['in_proj_b', ['b_proj']],
      ['mixer.norm', ['mixer.o_norm']],
      ['linear_attn.norm', ['linear_attn.o_norm']],
      ['out_proj', ['o_proj']],
    ],
    made: threeProjections,
  }),
  kimi_linear: (c) => ({
    segments: [
      ['mixer', ['self_attn']],
      ['self_attn.norm', ['self_attn.o_norm']],
      ['out_proj', ['o_proj']],
      ['mlp', ['mlp', 'block_sparse_moe']],
    ],
    made: { ...threeProjections, ...experts(c, 'num_experts', ['w1', 'w3', 'w2']) },
  }),
  granitemoehybrid: (c) => {
    const hidden = number(c, 'shared_intermediate_size')
    const half = (end: string, from: number): Rules => ({
      [end]: (at, base) =>
        base.endsWith('.mlp.') || base.endsWith('.shared_experts.')
          ? one(at, `${base.replace('shared_experts.', '')}shared_input.weight`, (part) =>
              rowsOf(part, range(from, from + hidden)),
            )
          : undefined,
    })
    return {
      segments: [
        ['mixer', ['self_attn', 'mamba']],
        ['mlp.shared_input', ['shared_mlp.input_linear']],
        ['mlp.shared_experts.down_proj', ['shared_mlp.output_linear']],
        ['mlp.down_proj', ['shared_mlp.output_linear']],
        ['mlp.gate', ['block_sparse_moe.router.layer']],
        ['mlp.experts', ['block_sparse_moe']],
      ],
      made: {
        ...conv,
        ...half('gate_proj.weight', 0),
        ...half('up_proj.weight', hidden),
        'experts.up_proj': (at, base) => stack(at, base, ['experts.input_linear.weight']),
        'experts.down_proj': (at, base) => stack(at, base, ['experts.output_linear.weight']),
      },
    }
  },
  falcon_h1: () => ({
    segments: [
      ['mixer.self_attn', ['self_attn']],
      ['mixer.mamba', ['mamba']],
      ['post_attention_layernorm', ['pre_ff_layernorm']],
      ['mlp', ['feed_forward']],
      ['norm', ['norm', 'final_layernorm']],
    ],
    made: conv,
  }),
  nemotron_h: (c) => ({
    segments: [
      ['embed_tokens', ['embeddings', 'embedding']],
      ['latent_in', ['fc1_latent_proj']],
      ['latent_out', ['fc2_latent_proj']],
      ['norm', ['norm', 'norm_f']],
    ],
    made: { ...conv, ...experts(c, 'n_routed_experts', [null, 'up_proj', 'down_proj']) },
    left: OTHER_SENSES,
  }),
  lfm2: () => ({
    segments: [
      ['mixer', ['self_attn', 'conv']],
      ['q_norm', ['q_norm', 'q_layernorm']],
      ['k_norm', ['k_norm', 'k_layernorm']],
      ['self_attn.o_proj', ['self_attn.out_proj', 'self_attn.o_proj']],
      ...lfmNames,
    ],
    made: transpose('mixer.conv.weight'),
  }),
  lfm3: () => ({
    segments: [
      ['mixer', ['self_attn', 'conv']],
      ['self_attn.gate_proj', ['self_attn.gate_proj', 'self_attn.g_proj']],
      ['post_attention_layernorm', ['post_operator_norm', 'ffn_norm']],
      ['pre_feedforward_layernorm', ['ffn_norm']],
      ['post_feedforward_layernorm', ['post_ffn_norm']],
      ...lfmNames,
    ],
    made: transpose('mixer.conv.weight'),
  }),
  mamba: () => ({
    segments: [
      ['embed_tokens', ['embeddings', 'embedding']],
      ['norm', ['norm', 'norm_f']],
      ['conv', ['conv1d']],
      ['convBias', ['conv1d.bias']],
      ['inBias', ['in_proj.bias']],
      ['outBias', ['out_proj.bias']],
      ['dtBias', ['dt_proj.bias']],
      ['ALog', ['A_log']],
    ],
    made: {
      'mixer.conv': (at, base) => one(at, `${base}mixer.conv.weight`, transposed),
      'mixer.inProj': (at, base) => one(at, `${base}mixer.in_proj.weight`, transposed),
      'mixer.xProj': (at, base) => one(at, `${base}mixer.x_proj.weight`, transposed),
      'mixer.dtProj': (at, base) => one(at, `${base}mixer.dt_proj.weight`, transposed),
      'mixer.outProj': (at, base) => one(at, `${base}mixer.out_proj.weight`, transposed),
    },
  }),
  mamba2: () => ({
    segments: [
      ['embed_tokens', ['embeddings', 'embedding']],
      ['norm', ['norm', 'norm_f']],
    ],
    made: conv,
  }),
  rwkv: () => ({
    segments: [
      ['embed_tokens', ['embeddings']],
      ['embed_norm', ['blocks.0.pre_ln']],
      ['layers', ['blocks']],
      ['norm', ['ln_out']],
      ['lm_head', ['head']],
    ],
  }),
  gpt2: (c) => ({
    segments: [
      ['embed_tokens', ['wte']],
      ['embed_positions', ['wpe']],
      ['layers', ['h']],
      ['input_layernorm', ['ln_1']],
      ['post_attention_layernorm', ['ln_2']],
      ['mixer.c_attn', ['attn.c_attn']],
      ['mixer.o_proj', ['attn.c_proj']],
      ['mlp.up_proj', ['mlp.c_fc']],
      ['mlp.down_proj', ['mlp.c_proj']],
      ['norm', ['ln_f']],
    ],
    made: {
      ...third('q_proj', 0, number(c, 'n_embd')),
      ...third('k_proj', 1, number(c, 'n_embd')),
      ...third('v_proj', 2, number(c, 'n_embd')),
      ...transpose('mixer.o_proj.weight'),
      ...transpose('mlp.up_proj.weight'),
      ...transpose('mlp.down_proj.weight'),
    },
    left: /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/,
  }),
  bert: (c) => ({
    segments: [
      ['embed_tokens', ['embeddings.word_embeddings']],
      ['embed_positions', ['embeddings.position_embeddings']],
      ['embed_types', ['embeddings.token_type_embeddings']],
      ['embed_norm', ['embeddings.LayerNorm']],
      ['layers', ['encoder.layer']],
      ['attention.q_proj', ['attention.self.query']],
      ['attention.k_proj', ['attention.self.key']],
      ['attention.v_proj', ['attention.self.value']],
      ['attention.o_proj', ['attention.output.dense']],
      ['attention_norm', ['attention.output.LayerNorm']],
      ['mlp.up_proj', ['intermediate.dense']],
      ['mlp.down_proj', ['output.dense']],
      ['output_norm', ['output.LayerNorm']],
      ['pooler', ['pooler.dense']],
      // The first published files have other names for a norm's gain and bias.
      ['LayerNorm.weight', ['LayerNorm.weight', 'LayerNorm.gamma']],
      ['LayerNorm.bias', ['LayerNorm.bias', 'LayerNorm.beta']],
    ],
    left: c['add_pooling_layer'] ? BERT_PRETRAINING : new RegExp(`${BERT_PRETRAINING.source}|^(bert\\.)?pooler\\.`),
  }),
  modernbert: () => ({
    segments: [
      ['embed_tokens', ['embeddings.tok_embeddings']],
      ['embed_norm', ['embeddings.norm']],
    ],
    // The head that predicts masked words.
    left: /^(head|decoder)\./,
  }),
  'deberta-v2': () => ({
    segments: [
      ['embed_tokens', ['embeddings.word_embeddings']],
      ['embed_positions', ['embeddings.position_embeddings']],
      ['embed_types', ['embeddings.token_type_embeddings']],
      ['embed_proj', ['embeddings.embed_proj']],
      ['embed_norm', ['embeddings.LayerNorm']],
      ['rel_embeddings', ['encoder.rel_embeddings']],
      ['rel_norm', ['encoder.LayerNorm']],
      ['layers', ['encoder.layer']],
      ['attention.q_proj', ['attention.self.query_proj']],
      ['attention.k_proj', ['attention.self.key_proj']],
      ['attention.v_proj', ['attention.self.value_proj']],
      ['attention.o_proj', ['attention.output.dense']],
      ['attention.pos_key_proj', ['attention.self.pos_key_proj']],
      ['attention.pos_query_proj', ['attention.self.pos_query_proj']],
      ['attention_norm', ['attention.output.LayerNorm']],
      ['mlp.up_proj', ['intermediate.dense']],
      ['mlp.down_proj', ['output.dense']],
      ['output_norm', ['output.LayerNorm']],
      ['pooler', ['pooler.dense']],
    ],
    // Heads of pretraining, and positions of files whose models have no part for them.
    left: /^(cls|lm_predictions|mask_predictions|pooler)\.|embeddings\.position_(ids|embeddings\.weight)$/,
  }),
}

/** Other senses, and the projections of layers that read the keys and values of others: files have them all the same. */
function gemmaLeft(c: Config): RegExp {
  const [layers, shared] = [number(c, 'num_hidden_layers'), number(c, 'num_kv_shared_layers')]
  if (shared === 0) return GEMMA_SENSES
  const unused = `layers\\.(${range(layers - shared, layers).join('|')})\\.self_attn\\.([kv]_proj|[kv]_norm)\\.`
  return new RegExp(`${GEMMA_SENSES.source}|${unused}`)
}

/** The heads that BERT was trained with, and its list of positions. */
const BERT_PRETRAINING = /^cls\.|embeddings\.position_ids$/

const lfmNames: NamingRules['segments'] = [
  ['input_layernorm', ['operator_norm']],
  ['post_attention_layernorm', ['ffn_norm']],
  ['mlp.gate_proj', ['feed_forward.w1']],
  ['mlp.up_proj', ['feed_forward.w3']],
  ['mlp.down_proj', ['feed_forward.w2']],
  ['norm', ['embedding_norm']],
]

/** Experts stored [E, in, out] with gates and ups in turn: [E, gates then ups, in]. */
function gateThenUp(part: Part): Float32Array {
  const [count, width, rows] = part.shape as [number, number, number]
  return evenBeforeOdd({ data: eachTransposed(part), shape: [count, rows, width] })
}

/** Queries, keys and values with projections and convolutions of their own. */
const threeProjections: Rules = {
  'in_proj_qkv.weight': (at, base) => stack(at, base, ['q_proj.weight', 'k_proj.weight', 'v_proj.weight']),
  'conv1d.weight'(at, base) {
    const found = stack(at, base, ['q_conv1d.weight', 'k_conv1d.weight', 'v_conv1d.weight'])
    return found && { kind: 'made', names: found.names, make: joinedConvolutions }
  },
}

/** Part `which` of GPT-2's joint projection, whose matrix is (in, out). */
const third = (name: string, which: number, width: number): Rules => ({
  [`${name}.weight`]: (at, base) =>
    one(at, `${base}c_attn.weight`, (part) => {
      const rows = transposed(part)
      return rows.slice(which * width * width, (which + 1) * width * width)
    }),
  [`${name}.bias`]: (at, base) =>
    one(at, `${base}c_attn.bias`, ({ data }) => data.slice(which * width, (which + 1) * width)),
})

/** Qwen3-Next stands in groups, one for each key head: q, k, v and z of its value heads; b and a of them. */
function unfused(c: Config): Rules {
  const [heads, keys, values] = ['linear_num_key_heads', 'linear_key_head_dim', 'linear_value_head_dim'].map((name) =>
    number(c, name),
  ) as [number, number, number]
  const each = number(c, 'linear_num_value_heads') / heads
  const parts = (sizes: readonly number[], wanted: readonly number[]): number[] => {
    const group = sizes.reduce((a, b) => a + b, 0)
    return wanted.flatMap((which) => {
      const before = sizes.slice(0, which).reduce((a, b) => a + b, 0)
      return range(0, heads).flatMap((g) => range(g * group + before, g * group + before + sizes[which]!))
    })
  }
  const qkvz = [keys, keys, each * values, each * values]
  const take = (end: string, from: string, rows: readonly number[]): Rules => ({
    [end]: (at, base) => one(at, base + from, (part) => rowsOf(part, rows)),
  })
  return {
    ...take('in_proj_qkv.weight', 'in_proj_qkvz.weight', parts(qkvz, [0, 1, 2])),
    ...take('in_proj_z.weight', 'in_proj_qkvz.weight', parts(qkvz, [3])),
    ...take('in_proj_b.weight', 'in_proj_ba.weight', parts([each, each], [0])),
    ...take('in_proj_a.weight', 'in_proj_ba.weight', parts([each, each], [1])),
  }
}

/** The rules of a family with this configuration. */
export const namingRules = (family: string, config: Config): NamingRules => rules[family]!(config)
