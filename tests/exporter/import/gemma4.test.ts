import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importModel } from '../../../exporter/import/import.ts'
import { readPublishedConfig } from '../../../exporter/import/published-config.ts'
import { chooseFormats } from '../../../exporter/import/weight-formats.ts'
import { loadBundle, type Bundle } from '../../../runtime/bundle.ts'
import { CLOSE, expectPieces, expectReference, expectSavedAndBatched, opened } from '../../support/decoder-claims.ts'
import { readReferenceIn } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** Experts, a wrapper, towers of other senses, one layer that shares; its make.py says how it was made. */
const PUBLISHED = join(import.meta.dirname, '../../fixtures/gemma4-published')

type Json = Record<string, unknown>

async function imported(source: string): Promise<Bundle> {
  const out = temporaryFolder()
  await importModel({ source, out, quantization: 'none' })
  return loadBundle(out)
}

/** The published folder with other options of its text model. */
function changed(options: Json): string {
  const folder = join(temporaryFolder(), 'gemma4')
  cpSync(PUBLISHED, folder, { recursive: true })
  const at = join(folder, 'config.json')
  const config = JSON.parse(readFileSync(at, 'utf8')) as { text_config: Json }
  writeFileSync(at, JSON.stringify({ ...config, text_config: { ...config.text_config, ...options } }))
  return folder
}

describe('Gemma 4 as it is published, with experts', () => {
  test('gives the logits and the greedy tokens of transformers', async () =>
    expectReference(await imported(PUBLISHED), await readReferenceIn(PUBLISHED), CLOSE))

  test('whole = in pieces = token by token; a later token changes nothing before', async () =>
    expectPieces(await imported(PUBLISHED), await readReferenceIn(PUBLISHED), CLOSE))

  test('saved and restored = uninterrupted, and a batch of any lengths = its rows alone, bit for bit', async () =>
    expectSavedAndBatched(await imported(PUBLISHED), await readReferenceIn(PUBLISHED)))

  test('a layer that reads the keys and values of another has no state', async () => {
    const { manifest } = await imported(PUBLISHED)
    expect(manifest.state.map(({ name }) => name)).toEqual(
      [0, 1, 2, 3, 4, 5].flatMap((layer) => [`layers.${layer}.k`, `layers.${layer}.v`]),
    )
    const shapeOf = (layer: number) => manifest.state.find(({ name }) => name === `layers.${layer}.k`)?.shape
    expect(shapeOf(4)).toEqual(['batch', 2, 'time', 8])
    expect(shapeOf(5)).toEqual(['batch', 1, 'time', 16])
  })
})

test('the forms of a configuration say the same: with one entry for each layer, and as saved by transformers 5', () => {
  const wide = { head_dim: 16, num_key_value_heads: 1 }
  const {
    global_head_dim: _,
    num_global_key_value_heads: __,
    ...text
  } = JSON.parse(readFileSync(join(PUBLISHED, 'config.json'), 'utf8')).text_config as Json
  const params = (config: Json) => readPublishedConfig(config).model.params
  expect(params({ ...text, per_layer_config: { '5': wide, '07': wide } })).toEqual(
    params(JSON.parse(readFileSync(join(PUBLISHED, 'config.json'), 'utf8')) as Json),
  )
})

test('without a size of the heads in full layers, they have 512 channels; with empty options of single layers, as many as others', () => {
  const text = { model_type: 'gemma4_text', hidden_size: 64, num_hidden_layers: 1, hidden_size_per_layer_input: 0 }
  const queries = (config: Json): unknown =>
    JSON.stringify(readPublishedConfig(config).model.params).includes('"shape":[4096,64]')
  expect(queries(text)).toBe(true) // 8 heads of 512
  expect(queries({ ...text, per_layer_config: {} })).toBe(false)
})

test('the text model of the encoder-free Gemma 4 has no embeddings for each layer', () => {
  const text = { model_type: 'gemma4_unified_text', hidden_size: 64, num_hidden_layers: 1 }
  const { family, model, maxPositions } = readPublishedConfig({ model_type: 'gemma4_unified', text_config: text })
  expect([family, maxPositions]).toEqual(['gemma4', 262_144])
  expect(model.params).not.toHaveProperty('embed_tokens_per_layer')
})

test.each<[what: string, options: Json, sentence: RegExp]>([
  ['attention to later tokens', { use_bidirectional_attention: 'all' }, /use_bidirectional_attention: "all" is not/],
  [
    'another kind of layer',
    { layer_types: Array(8).fill('chunked_attention') },
    /layer_types: expected full_attention/,
  ],
  ['a list of too few kinds', { layer_types: ['full_attention'] }, /for each of 8 layers, got full_attention/],
  [
    'layers that share with none',
    { num_kv_shared_layers: 8 },
    /num_kv_shared_layers: layer 0 has no sliding_attention/,
  ],
  ['more sharing layers than layers', { num_kv_shared_layers: 9 }, /num_kv_shared_layers: layer 0 has no/],
  [
    'a layer that shares with heads of another size',
    { per_layer_config: { 5: { head_dim: 16 }, 7: { head_dim: 8 } } },
    /per_layer_config\.7: expected 2 heads of 16 channels, as layer 5 has/,
  ],
  ['an option of one layer', { per_layer_config: { 5: { sliding_window: 3 } } }, /per_layer_config\.5\.sliding_window/],
  ['options of a layer that is not there', { per_layer_config: { 8: {} } }, /numbers of layers below 8, got 8/],
  ['experts without a number', { num_experts: null }, /enable_moe_block: expected num_experts, .* got null, 2 and 8/],
  [
    'fewer inputs of layers than tokens',
    { vocab_size_per_layer_input: 63 },
    /expected at least vocab_size, 64, got 63/,
  ],
])('an import of Gemma 4 refuses %s in one sentence, and writes nothing', async (_, options, sentence) => {
  const out = join(temporaryFolder(), 'out')
  await expect(importModel({ source: changed(options), out, quantization: 'none' })).rejects.toThrow(sentence)
  expect(existsSync(out)).toBe(false)
})

test('with matrices in 4 bits, both tables of embeddings are in 8 bits', async () => {
  const out = temporaryFolder()
  await importModel({ source: PUBLISHED, out, quantization: 'int4' })
  const { stored } = (await loadBundle(out)).manifest.source as { stored: Record<string, number> }
  expect(stored['int8']).toBe(2 * 64 * 32)
  expect(stored['int4']).toBeGreaterThan(0)
})

test('kept as a file has them, rows of the table for each layer are in 8 bits where they were in 4', () => {
  const path = 'embed_tokens_per_layer.weight'
  const bindings = new Map([[path, { kind: 'stacked' as const, names: ['table'] }]])
  const tensors = {
    names: ['table'],
    shape: () => [64, 32],
    blockKind: () => 'Q4_0' as const,
    blocks: () => Promise.resolve(undefined),
    read: () => Promise.resolve(new Float32Array()),
    readRows: () => Promise.resolve(new Float32Array()),
    close: () => Promise.resolve(),
  }
  expect(chooseFormats('keep', bindings, tensors).of(path, 64, 32)).toBe('int8')
  expect(chooseFormats('none', bindings, tensors).of(path, 64, 32)).toBe('float32')
})

// Logits of transformers have a standard deviation of 1 here; what reads other keys and values is about 1.4 from them.
test.each([
  ['float16', 0.01],
  ['int8', 0.15],
] as const)('layers that share read keys and values in %s as their owner wrote them', async (kv, most) => {
  const out = temporaryFolder()
  await importModel({ source: PUBLISHED, out, quantization: 'none', kv })
  const reference = await readReferenceIn(PUBLISHED)
  const decoder = await opened(await loadBundle(out))
  const ids = reference.ids('ids.2')
  let state = decoder.start(1)
  const rows: number[] = []
  for (const piece of [ids.slice(0, 20), ids.slice(20, 32), ids.slice(32)]) {
    const step = await decoder.run([piece], state)
    rows.push(...(step.logits.data as Float32Array))
    state = step.state
  }
  decoder.close()
  const expected = reference.numbers('logits_all.2')
  const squares = rows.reduce((sum, x, i) => sum + (x - expected[i]!) ** 2, 0)
  expect(Math.sqrt(squares / rows.length)).toBeLessThan(most)
})
