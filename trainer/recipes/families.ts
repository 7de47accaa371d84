/** A small recipe for each published family, of its name: `mneme train llama --data ...`. */
import type { Architecture } from '../../models/architecture.ts'
import type { Options } from '../../models/config.ts'
import { families } from '../../models/families/registry.ts'
import { canCarry } from '../backends/carry.ts'
import { defineRecipe, textData } from './define.ts'
import type { Recipe } from './recipe.ts'

const [linear, full, sliding, conv] = ['linear_attention', 'full_attention', 'sliding_attention', 'conv']
const hybrid = [linear, full, linear, full]

/** What a small model of a family needs beside the defaults of its options: kinds of layers, and sizes that suit them. */
const models: Readonly<Record<string, Options>> = {
  gpt_oss: { intermediate_size: 64, num_local_experts: 4 },
  gemma3: { query_pre_attn_scalar: 32, sliding_window: 64 },
  gemma4: {
    layer_types: [sliding, full, sliding, full],
    sliding_window: 64,
    head_dim: 32,
    global_head_dim: 64,
    hidden_size_per_layer_input: 16,
    num_kv_shared_layers: 2,
    use_double_wide_mlp: true,
  },
  granitemoehybrid: { layer_types: hybrid, attention_multiplier: 32 ** -0.5, shared_intermediate_size: 256 },
  kimi_linear: { layer_types: hybrid, mlp_layer_types: ['dense', 'sparse', 'dense', 'sparse'], num_hidden_layers: 4 },
  lfm2: { layer_types: [conv, full, conv, full] },
  lfm3: { layer_types: [conv, full, conv, full] },
  nemotron_h: { layers_block_type: [linear, 'mlp', full, 'mlp', linear, 'moe'] },
  olmo_hybrid: { layer_types: hybrid },
  qwen3_5: { layer_types: hybrid },
  qwen3_5_moe: { layer_types: hybrid },
  qwen3_next: { layer_types: hybrid },
}

/** Rows of families with attention over all tokens start from nothing: what they would carry grows with each token. */
function recipeOf(family: Architecture): Recipe {
  const { name, about } = family
  const options = models[name] ?? {}
  const carry = canCarry(family.model(options))
  return defineRecipe({
    name,
    about: `${about}; small, on text`,
    architecture: name,
    model: options,
    data: textData,
    carry,
  })
}

export const familyRecipes: readonly Recipe[] = [...families.values()].map(recipeOf)
