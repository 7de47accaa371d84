import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { groupedRows, transposed, unpairedRows } from '../../../../../exporter/import/sources/gguf/orders.ts'
import { readJsonObject } from '../../../../../exporter/import/sources/json.ts'
import { openSource } from '../../../../../exporter/import/sources/source.ts'
import { publishedWeights } from '../../../../support/published.ts'

// Made by llama.cpp's converter of folders whose config.json is beside them; a checkout on its own has no such folder.
const fixtures = join(import.meta.dirname, '../../../../../../shared/fixtures')
const names = existsSync(fixtures) ? readdirSync(join(fixtures, 'gguf')) : []

const ones = {
  attention_in_multiplier: 1,
  attention_out_multiplier: 1,
  embedding_multiplier: 1,
  key_multiplier: 1,
  lm_head_multiplier: 1,
  mlp_multipliers: [1, 1],
  ssm_in_multiplier: 1,
  ssm_multipliers: [1, 1, 1, 1, 1],
  ssm_out_multiplier: 1,
}
/** What a file says otherwise than the folder that it was made of, and why. */
const different: Record<string, Record<string, unknown>> = {
  // The multipliers are in the weights
  falcon_h1: ones,
  // The converter writes this for every model with Mamba-2
  granitemoehybrid: { max_position_embeddings: 2 ** 20 },
  nemotron_h: { max_position_embeddings: 2 ** 20 },
  'nemotron_h-moe': { max_position_embeddings: 2 ** 20 },
  // The file has the computed width
  lfm2: { intermediate_size: 160, block_auto_adjust_ff_dim: false },
}
/** Fields that no file has, and that change nothing that is computed from given ids. */
const without = new Set(
  `attention_dropout hidden_dropout dtype initializer_range transformers_version use_cache num_logits_to_keep
  output_router_logits router_aux_loss_coef chunk_size mamba_chunk_size rescale_prenorm_residual residual_in_fp32
  time_step_floor time_step_init_scheme time_step_max time_step_min time_step_scale use_associative_scan use_mambapy
  use_mamba_kernels mamba_ssm_cache_dtype pad_vocab_size_multiple pretraining_tp max_window_layers
  moe_shared_expert_overlap mtp_layers_block_type num_nextn_predict_layers _sliding_window_pattern
  use_bidirectional_attention block_ffn_dim_multiplier block_multiple_of full_attn_idxs qk_head_dim`.split(/\s+/),
)
/** Fields that say again what others say, or that the file's model does not use. */
const said: Record<string, readonly string[]> = {
  mamba2: ['time_step_rank'],
  nemotron_h: ['expand', 'mamba_proj_bias', 'sliding_window'],
  'nemotron_h-moe': ['expand', 'mamba_proj_bias', 'sliding_window', 'intermediate_size'],
  kimi_linear: ['attention_bias'],
}

const fileOf = (name: string): string => {
  const files = readdirSync(join(fixtures, 'gguf', name)).filter((one) => one.endsWith('.gguf'))
  return join(fixtures, 'gguf', name, files[0]!)
}
const template = (name: string): string => name.replaceAll(/\.\d+\./g, '.#.')

describe.skipIf(names.length === 0)('a GGUF file as a published model', () => {
  test.each(names)('%s has the configuration of the folder that it was made of', async (name) => {
    const { config, tensors } = await openSource(fileOf(name))
    const folder = await readJsonObject(join(fixtures, 'gguf', name, 'config.json'))
    // The tokenizer's ends are the file's: the chat's end token, not the configuration's
    const tokens = { bos_token_id: 1, eos_token_id: 4, pad_token_id: 2 }
    const expected = { ...folder, ...tokens, ...different[name] }
    for (const [field, value] of Object.entries(config))
      if (field in expected) expect({ [field]: value }).toEqual({ [field]: expected[field as keyof typeof expected] })
    const missing = Object.keys(folder).filter((field) => !(field in config) && !without.has(field))
    expect(missing.toSorted()).toEqual((said[name] ?? []).toSorted())
    expect(Object.keys(config).filter((field) => !(field in folder))).toEqual(
      ['qwen2', 'smollm3'].includes(name) ? ['head_dim'] : [],
    )
    await tensors.close()
  })

  test.each(names.filter((name) => existsSync(join(fixtures, 'models', name))))(
    '%s has the tensors of a published folder',
    async (name) => {
      const [file, folder] = await Promise.all([fileOf(name), join(fixtures, 'models', name)].map(openSource))
      const biased = (tensor: string): boolean => tensor.endsWith('.bias') && name === 'lfm2'
      const options = (tensor: string): boolean => !/lm_head|mamba\.norm/.test(tensor) && !biased(tensor)
      const [ours, theirs] = [file!, folder!].map(({ tensors }) => new Map(tensors.names.map((t) => [template(t), t])))
      expect([...ours!.keys()].filter(options).toSorted()).toEqual([...theirs!.keys()].filter(options).toSorted())
      for (const [key, tensor] of ours!) {
        if (!theirs!.has(key)) continue
        const shape = folder!.tensors.shape(theirs!.get(key)!)
        expect(file!.tensors.shape(tensor).length, tensor).toBe(shape.length)
      }
      await Promise.all([file!.tensors.close(), folder!.tensors.close()])
    },
  )

  test('without its last layer where that only predicts further tokens', async () => {
    const { config, tensors } = await openSource(fileOf('qwen3_5-mtp'))
    expect(config['num_hidden_layers']).toBe(4)
    expect(tensors.names.some((name) => name.includes('.4.') || name.includes('nextn'))).toBe(false)
    await tensors.close()
  })

  test.each(names)('%s reads by rows what it reads as a whole', async (name) => {
    const { tensors } = await openSource(fileOf(name))
    for (const tensor of tensors.names) {
      const whole = await tensors.read(tensor)
      const [rows = 1, ...rest] = tensors.shape(tensor)
      const width = rest.reduce((a, b) => a * b, 1)
      expect(whole.length, tensor).toBe(rows * width)
      const [from, to] = [Math.floor(rows / 3), Math.ceil(rows / 2)]
      const rowsRead = Buffer.from((await tensors.readRows(tensor, from, to)).buffer)
      const wanted = Buffer.from(whole.slice(from * width, to * width).buffer)
      expect(rowsRead.equals(wanted), tensor).toBe(true)
    }
    await tensors.close()
  })
})

// 98 MB that a script of ours fetches
const smollm2 = join(publishedWeights, 'smollm2-135m-instruct.Q4_1.gguf')
test.skipIf(!existsSync(smollm2))(
  'blocks of SmolLM2 keep their bits when rows of q and k are put back in order',
  async () => {
    const { tensors, config } = await openSource(smollm2)
    expect(config).toMatchObject({
      model_type: 'llama',
      hidden_size: 576,
      vocab_size: 49152,
      tie_word_embeddings: true,
    })
    for (const part of ['self_attn.q_proj', 'self_attn.k_proj', 'mlp.down_proj']) {
      const name = `model.layers.7.${part}.weight`
      const { q, scale, minimum, bits, rows, columns } = (await tensors.blocks(name))!
      expect([bits, rows, columns]).toEqual([4, ...tensors.shape(name)])
      const values = Float32Array.from(q, (n, i) => scale[i >> 5]! * n + minimum[i >> 5]!)
      expect(values.map((v) => v + 0)).toEqual((await tensors.read(name)).map((v) => v + 0))
    }
    await tensors.close()
  },
)

describe('orders of rows', () => {
  const size = fc.integer({ min: 1, max: 4 })

  test('of a paired rope are what llama.cpp permutes, undone', () => {
    fc.assert(
      fc.property(size, size, (heads, pairs) => {
        // reshape(heads, 2, pairs).swapaxes(1, 2), as its converter does
        const stored = Array.from({ length: heads * pairs * 2 }, (_, row) => {
          const [head, pair, half] = [Math.floor(row / (2 * pairs)), Math.floor((row % (2 * pairs)) / 2), row % 2]
          return head * 2 * pairs + half * pairs + pair
        })
        const back = [...unpairedRows(stored.length, heads)].map((row) => stored[row])
        expect(back).toEqual(stored.map((_, row) => row))
      }),
    )
  })

  test('of tiled value heads are what llama.cpp reorders, undone', () => {
    fc.assert(
      fc.property(size, size, size, fc.nat(5), (keys, perKey, width, before) => {
        // (keys, perKey, width) to (perKey, keys, width), behind the rows of queries and keys
        const stored = Array.from({ length: before + keys * perKey * width }, (_, row) => {
          if (row < before) return row
          const [head, within] = [Math.floor((row - before) / width), (row - before) % width]
          const [repeat, key] = [Math.floor(head / keys), head % keys]
          return before + (key * perKey + repeat) * width + within
        })
        const back = [...groupedRows(keys, keys * perKey, width, before)].map((row) => stored[row])
        expect(back).toEqual(stored.map((_, row) => row))
      }),
    )
  })

  test('and columns change places in each matrix', () => {
    expect(transposed(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 2, 2, 3)).toEqual(
      Float32Array.of(1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12),
    )
  })
})
