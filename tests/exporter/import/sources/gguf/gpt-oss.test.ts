import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mxfp4 } from '../../../../../exporter/import/sources/gguf/dequantize.ts'
import { openSource } from '../../../../../exporter/import/sources/source.ts'
import { writeGguf, type GgufTensorToWrite } from '../../../../support/gguf-writer.ts'
import { temporaryFolder } from '../../../../support/temporary.ts'

// A published folder in small; a checkout on its own has no such folder.
const folder = join(import.meta.dirname, '../../../../../../shared/fixtures/models/gpt_oss')

/** What the converter calls the tensors that it leaves as they are. */
const renamed: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens/, 'token_embd'],
  [/^model\.norm/, 'output_norm'],
  [/^lm_head/, 'output'],
  [/^model\.layers\.(\d+)\./, 'blk.$1.'],
  [/\.input_layernorm/, '.attn_norm'],
  [/\.post_attention_layernorm/, '.post_attention_norm'],
  [/\.self_attn\.([qkv])_proj/, '.attn_$1'],
  [/\.self_attn\.o_proj/, '.attn_output'],
  [/\.self_attn\.sinks/, '.attn_sinks.weight'],
  [/\.mlp\.router/, '.ffn_gate_inp'],
]

/** The tensors that llama.cpp's converter makes of one of the experts'. */
function expertTensors(name: string, shape: readonly number[], values: Float32Array): GgufTensorToWrite[] {
  const [, layer, part, bias] = /layers\.(\d+)\.mlp\.experts\.(gate_up|down)_proj(_bias)?$/.exec(name)!
  const at = (expert: number, row: number, column: number): number => values[(expert * rows + row) * columns + column]!
  const [experts, rows, columns] = bias ? [shape[0]!, 1, shape[1]!] : (shape as [number, number, number])
  const parts = part === 'down' ? [['down', 1, 0] as const] : [['gate', 2, 0] as const, ['up', 2, 1] as const]
  return parts.map(([to, step, first]) => {
    // (in, out) becomes (out, in), every other out for gate and up
    const data: number[] = []
    for (let expert = 0; expert < experts; expert++)
      for (let column = first; column < columns; column += step)
        for (let row = 0; row < rows; row++) data.push(at(expert, row, column))
    const turned = [experts, columns / step, rows]
    return {
      name: `blk.${layer}.ffn_${to}_exps.${bias ? 'bias' : 'weight'}`,
      shape: bias ? turned.slice(0, 2) : turned,
      data: Float32Array.from(data),
    }
  })
}

test.skipIf(!existsSync(folder))('gpt-oss as GGUF has the tensors and the configuration of its folder', async () => {
  const published = await openSource(folder)
  const tensors: GgufTensorToWrite[] = []
  for (const name of published.tensors.names) {
    const [shape, data] = [published.tensors.shape(name), await published.tensors.read(name)]
    if (name.includes('.experts.')) tensors.push(...expertTensors(name, shape, data))
    else tensors.push({ name: renamed.reduce((text, [from, to]) => text.replace(from, to), name), shape, data })
  }
  const numbers = {
    block_count: 4,
    context_length: 512,
    embedding_length: 80,
    'attention.head_count': 4,
    'attention.head_count_kv': 1,
    'attention.key_length': 16,
    'attention.value_length': 16,
    'attention.sliding_window': 16,
    expert_count: 4,
    expert_used_count: 2,
    expert_feed_forward_length: 40,
    'rope.scaling.original_context_length': 64,
  }
  const floats = { 'attention.layer_norm_rms_epsilon': 1e-6, 'rope.freq_base': 50_000, 'rope.scaling.factor': 4 }
  const metadata = {
    'general.architecture': 'gpt-oss',
    'gpt-oss.rope.scaling.type': 'yarn',
    ...Object.fromEntries(Object.entries(numbers).map(([key, value]) => [`gpt-oss.${key}`, value])),
    ...Object.fromEntries(Object.entries(floats).map(([key, float]) => [`gpt-oss.${key}`, { float }])),
  }
  const path = join(temporaryFolder(), 'gpt-oss.gguf')
  writeFileSync(path, writeGguf({ metadata, tensors }))
  const file = await openSource(path)
  expect([...file.tensors.names].toSorted()).toEqual([...published.tensors.names].toSorted())
  for (const name of published.tensors.names) {
    expect(file.tensors.shape(name), name).toEqual(published.tensors.shape(name))
    expect(await file.tensors.read(name), name).toEqual(await published.tensors.read(name))
  }
  const { rope_theta, rope_scaling, ...config } = published.config as Record<string, unknown>
  // llama.cpp has a limit of 7 for all
  const expected = { ...config, swiglu_limit: 7, rope_parameters: { ...(rope_scaling as object), rope_theta } }
  for (const [field, value] of Object.entries(file.config))
    expect({ [field]: value }).toEqual({ [field]: expected[field as keyof typeof expected] })
  await Promise.all([file.tensors.close(), published.tensors.close()])
})

test('MXFP4 has sixteen values for each power of two', () => {
  const block = Uint8Array.of(128, ...Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4)))
  const values = new Float32Array(32)
  mxfp4(block, values)
  const levels = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]
  expect([...values.subarray(0, 16)]).toEqual(levels)
  expect([...values.subarray(16)]).toEqual(levels.toReversed())
})
