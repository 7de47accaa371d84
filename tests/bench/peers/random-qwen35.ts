/**
 * Writes a model of random weights in the shape of a Qwen3.5 configuration twice, the same numbers: as a folder of
 * transformers and as a GGUF file of llama.cpp. Honest for speed, useless for text.
 *   npx tsx tests/bench/peers/random-qwen35.ts tests/bench/peers/qwen3_5-0.8b.json TOKENIZER_FOLDER OUT
 *   .cache/peers/src/vendor/llama.cpp/build/bin/llama-quantize OUT/model.BF16.gguf OUT/model.Q4_0.gguf Q4_0
 *   npx tsx tests/bench/peers/engines.ts OUT/model.Q4_0.gguf --speed-only
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Random } from '../../../trainer/random.ts'
import { writeGguf, type GgufValue } from './gguf-file.ts'
import { qwen35Tensors, type Qwen35 } from './qwen35-tensors.ts'
import { writeSafetensors } from './safetensors-file.ts'

const [configFile, tokenizer, out] = process.argv.slice(2)
if (configFile === undefined || tokenizer === undefined || out === undefined)
  throw new Error('usage: random-qwen35.ts CONFIG.json TOKENIZER_FOLDER OUT')
const config = JSON.parse(await readFile(configFile, 'utf8')) as Qwen35
if (config.linear_num_key_heads !== config.linear_num_value_heads)
  throw new Error('linear_num_value_heads: expected as many as key heads, since llama.cpp has others in another order')

const tensors = qwen35Tensors(config, new Random(1))
const folder = join(out, 'folder')
await mkdir(folder, { recursive: true })
await copyFile(configFile, join(folder, 'config.json'))
for (const file of ['tokenizer.json', 'tokenizer_config.json'])
  await copyFile(join(tokenizer, file), join(folder, file))
await writeSafetensors(join(folder, 'model.safetensors'), tensors)
await writeGguf(join(out, 'model.BF16.gguf'), { ...metadataOf(config), ...(await vocabulary()) }, tensors)
await writeFile(join(out, 'README'), `Random weights in the shape of ${configFile}.\n`)
console.log(`${out}: ${tensors.length} tensors, as folder/ and model.BF16.gguf`)

function metadataOf(c: Qwen35): Record<string, GgufValue> {
  const own: Record<string, GgufValue> = {
    block_count: { u32: c.num_hidden_layers },
    context_length: { u32: c.max_position_embeddings },
    embedding_length: { u32: c.hidden_size },
    feed_forward_length: { u32: c.intermediate_size },
    'attention.head_count': { u32: c.num_attention_heads },
    'attention.head_count_kv': { u32: c.num_key_value_heads },
    'attention.key_length': { u32: c.head_dim },
    'attention.value_length': { u32: c.head_dim },
    'attention.layer_norm_rms_epsilon': { f32: c.rms_norm_eps },
    'rope.dimension_count': { u32: c.head_dim * c.rope_parameters.partial_rotary_factor },
    'rope.dimension_sections': { i32s: [...c.rope_parameters.mrope_section, 0] },
    'rope.freq_base': { f32: c.rope_parameters.rope_theta },
    'ssm.conv_kernel': { u32: c.linear_conv_kernel_dim },
    'ssm.state_size': { u32: c.linear_key_head_dim },
    'ssm.group_count': { u32: c.linear_num_key_heads },
    'ssm.time_step_rank': { u32: c.linear_num_value_heads },
    'ssm.inner_size': { u32: c.linear_num_value_heads * c.linear_value_head_dim },
    full_attention_interval: { u32: c.full_attention_interval },
  }
  const named = Object.entries(own).map(([key, value]) => [`qwen35.${key}`, value] as const)
  return {
    'general.architecture': { text: 'qwen35' },
    'general.name': { text: 'random weights' },
    'general.file_type': { u32: 32 },
    'general.quantization_version': { u32: 2 },
    ...Object.fromEntries(named),
  }
}

/** The tokenizer as a GGUF file has it, filled up to the size of the embedding with tokens that nothing is. */
async function vocabulary(): Promise<Record<string, GgufValue>> {
  interface Bpe {
    readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: (string | string[])[] }
    readonly added_tokens: readonly { readonly id: number; readonly content: string }[]
  }
  const { model, added_tokens: added } = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')) as Bpe
  const { chat_template: template } = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8')) as {
    readonly chat_template?: string
  }
  const [normal, control, unused] = [1, 3, 5]
  const tokens = Array.from({ length: config.vocab_size }, (_, id) => `[PAD${id}]`)
  const types = tokens.map(() => unused)
  for (const [token, id] of Object.entries(model.vocab)) [tokens[id], types[id]] = [token, normal]
  for (const { id, content } of added) [tokens[id], types[id]] = [content, control]
  return {
    'tokenizer.ggml.model': { text: 'gpt2' },
    'tokenizer.ggml.pre': { text: 'llama-bpe' },
    'tokenizer.ggml.tokens': { texts: tokens },
    'tokenizer.ggml.token_type': { i32s: types },
    'tokenizer.ggml.merges': { texts: model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' '))) },
    'tokenizer.ggml.eos_token_id': { u32: 2 },
    'tokenizer.ggml.bos_token_id': { u32: 1 },
    'tokenizer.ggml.add_bos_token': { bool: false },
    ...(template === undefined ? {} : { 'tokenizer.chat_template': { text: template } }),
  }
}
