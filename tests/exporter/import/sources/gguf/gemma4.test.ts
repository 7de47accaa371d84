import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPublishedConfig } from '../../../../../exporter/import/published-config.ts'
import { openSource } from '../../../../../exporter/import/sources/source.ts'
import { readTokenizer } from '../../../../../exporter/import/sources/gguf/tokenizer/tokenizer.ts'
import { writeGguf, type GgufTensorToWrite, type GgufValue } from '../../../../support/gguf-writer.ts'
import { fixtures } from '../../../../support/published.ts'
import { temporaryFolder } from '../../../../support/temporary.ts'

/** What llama.cpp's converter (conversion/gemma.py and gguf-py's names of tensors) calls the tensors. */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/^model\.(language_model\.)?/, ''],
  [/^embed_tokens_per_layer/, 'per_layer_token_embd'],
  [/^embed_tokens/, 'token_embd'],
  [/^norm\./, 'output_norm.'],
  [/^per_layer_model_projection/, 'per_layer_model_proj'],
  [/^per_layer_projection_norm/, 'per_layer_proj_norm'],
  [/^layers\.(\d+)\./, 'blk.$1.'],
  [/\.input_layernorm/, '.attn_norm'],
  [/\.self_attn\.([qkv])_(proj|norm)/, '.attn_$1_$2'],
  [/\.attn_([qkv])_proj/, '.attn_$1'],
  [/\.self_attn\.o_proj/, '.attn_output'],
  [/\.post_attention_layernorm/, '.post_attention_norm'],
  [/\.pre_feedforward_layernorm_2/, '.pre_ffw_norm_2'],
  [/\.post_feedforward_layernorm(_[12])?/, '.post_ffw_norm$1'],
  [/\.pre_feedforward_layernorm/, '.ffn_norm'],
  [/\.mlp\.(gate|up|down)_proj/, '.ffn_$1'],
  [/\.layer_scalar/, '.layer_output_scale.weight'],
  [/\.per_layer_input_gate/, '.inp_gate'],
  [/\.per_layer_projection/, '.proj'],
  [/\.post_per_layer_input_norm/, '.post_norm'],
  [/\.router\.proj/, '.ffn_gate_inp'],
  [/\.router\.scale/, '.ffn_gate_inp.scale'],
  [/\.router\.per_expert_scale/, '.ffn_down_exps.scale'],
  [/\.experts\.(gate_up|down)_proj/, '.ffn_$1_exps.weight'],
]

const floats = (values: readonly number[]): Float32Array => Float32Array.from(values)

/** The file that the converter writes of a folder, without its tokenizer. */
async function converted(
  folder: string,
  numbers: Readonly<Record<string, GgufValue>>,
  turning: number,
  still: number,
  by = 1e30,
) {
  const published = await openSource(folder)
  const tensors: GgufTensorToWrite[] = [
    {
      name: 'rope_freqs.weight',
      shape: [turning + still],
      data: floats([...Array<number>(turning).fill(1), ...Array<number>(still).fill(by)]),
    },
  ]
  for (const name of published.tensors.names) {
    if (/(vision|audio)/.test(name)) continue
    const [shape, data] = [published.tensors.shape(name), await published.tensors.read(name)]
    tensors.push({ name: renamed.reduce((text, [from, to]) => text.replace(from, to), name), shape, data })
  }
  const metadata = {
    'general.architecture': 'gemma4',
    ...Object.fromEntries(Object.entries(numbers).map(([key, value]) => [`gemma4.${key}`, value])),
  }
  const path = join(temporaryFolder(), 'gemma4.gguf')
  writeFileSync(path, writeGguf({ metadata, tensors }))
  return { published, file: await openSource(path) }
}

const common = {
  context_length: 512,
  'attention.head_count': 4,
  'attention.layer_norm_rms_epsilon': { float: 1e-6 },
  'attention.sliding_window': 9,
  'rope.freq_base_swa': { float: 4000 },
  final_logit_softcapping: { float: 12 },
}

const cases: readonly [
  what: string,
  folder: string,
  numbers: Record<string, GgufValue>,
  turning: number,
  still: number,
][] = [
  [
    'with experts and keys for values',
    join(import.meta.dirname, '../../../../fixtures/gemma4-published'),
    {
      ...common,
      block_count: 8,
      embedding_length: 32,
      feed_forward_length: [32, 32, 32, 32, 32, 32, 64, 64],
      'attention.head_count_kv': [2, 2, 2, 2, 2, 1, 2, 1],
      'attention.key_length': 16,
      'attention.key_length_swa': 8,
      'attention.shared_kv_layers': 2,
      'attention.sliding_window_pattern': [1, 1, 1, 1, 1, 0, 1, 0],
      'rope.freq_base': { float: 50_000 },
      embedding_length_per_layer_input: 4,
      expert_count: 3,
      expert_used_count: 2,
      expert_feed_forward_length: 8,
    },
    4,
    4,
  ],
  [
    'with embeddings for each layer',
    join(fixtures, 'models/gemma4'),
    {
      ...common,
      block_count: 5,
      embedding_length: 80,
      feed_forward_length: [128, 128, 128, 256, 256],
      'attention.head_count_kv': 2,
      'attention.key_length': 32,
      'attention.key_length_swa': 16,
      'attention.shared_kv_layers': 2,
      'attention.sliding_window_pattern': [1, 0, 1, 1, 0],
      'rope.freq_base': { float: 1e6 },
      embedding_length_per_layer_input: 8,
    },
    4,
    12,
  ],
]

test.each(cases.filter(([, folder]) => existsSync(folder)))(
  'Gemma 4 %s as GGUF has the tensors of its folder, and is the same model',
  async (_, folder, numbers, turning, still) => {
    const { published, file } = await converted(folder, numbers, turning, still)
    const ours = (name: string): string => name.replace('model.language_model.', 'model.')
    const names = published.tensors.names.filter((name) => !/(vision|audio)/.test(name))
    expect([...file.tensors.names].toSorted()).toEqual(names.map(ours).toSorted())
    for (const name of names) {
      expect(file.tensors.shape(ours(name)), name).toEqual(published.tensors.shape(name))
      expect(await file.tensors.read(ours(name)), name).toEqual(await published.tensors.read(name))
    }
    const [got, expected] = [file, published].map(({ config }) => readPublishedConfig(config).model)
    expect(got!.params).toEqual(expected!.params)
    expect(got!.state).toEqual(expected!.state)
    const { rope_parameters, sliding_window, final_logit_softcapping, rms_norm_eps } = expected!.config
    const options = { sliding_window, final_logit_softcapping, rms_norm_eps: expect.closeTo(rms_norm_eps as number, 9) }
    expect(got!.config).toMatchObject({ rope_parameters, ...options })
    await Promise.all([file.tensors.close(), published.tensors.close()])
  },
)

test('a file without a flag for each layer, or with frequencies divided by anything else, is refused', async () => {
  const [, folder, numbers] = cases[0]!
  const changed = converted(folder, { ...numbers, 'attention.sliding_window_pattern': 6 }, 4, 4)
  await expect(changed).rejects.toThrow('attention.sliding_window_pattern: expected 8 flags')
  await expect(converted(folder, numbers, 4, 4, 8)).rejects.toThrow('expected 1 for pairs that turn, then 1e+30, got 8')
})

test('the tokenizer of a Gemma 4 file joins pieces by its merges, spaces as U+2581, and begins with bos', () => {
  const tokens = ['<pad>', '<eos>', '<bos>', '\u2581', 'a', 'b', '\u2581a', '\u2581ab', '<turn|>', '<0x0A>']
  const metadata = new Map<string, unknown>([
    ['tokenizer.ggml.model', 'gemma4'],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.scores', tokens.map(() => -1000)],
    ['tokenizer.ggml.token_type', [3, 3, 3, 1, 1, 1, 1, 1, 3, 6]],
    ['tokenizer.ggml.merges', ['\u2581 a', '\u2581a b']],
    ['tokenizer.ggml.bos_token_id', 2],
    ['tokenizer.ggml.eos_token_id', 1],
    ['tokenizer.ggml.add_bos_token', true],
  ])
  const read = readTokenizer(metadata as Parameters<typeof readTokenizer>[0], 'file.gguf')!
  expect(read.ends).toEqual([1, 8])
  expect(read.config).toMatchObject({ bos_token: '<bos>', add_bos_token: true })
  const { model, normalizer } = read.tokenizer as {
    model: { merges: unknown; byte_fallback: boolean }
    normalizer: object
  }
  expect(model.byte_fallback).toBe(true)
  expect(model.merges).toEqual(['\u2581 a', '\u2581a b'])
  expect(normalizer).toMatchObject({ normalizers: [{ type: 'Replace', content: '\u2581' }] })
})
