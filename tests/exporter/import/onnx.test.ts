import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { importModel } from '../../../exporter/import/import.ts'
import { servedBundle } from '../../../exporter/import/served-bundle.ts'
import { readModelFile } from '../../../exporter/onnx/model-file.ts'
import { loadBundle, type Bundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import { modelSource, storeOf } from '../../../server/cli.ts'
import { configSchema } from '../../../server/config.ts'
import { startServer } from '../../../server/serve.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import {
  CLOSE,
  expectPieces,
  expectReference,
  expectSavedAndBatched,
  opened,
  type DecoderReference,
} from '../../support/decoder-claims.ts'
import { writeOnnxFolder, type OnnxForm } from '../../support/onnx-folders.ts'
import { FLOAT, INT64, onnxModel, type ModelSpec } from '../../support/onnx-model.ts'
import { fixtures, folders, importTo, readReference, type Numbers } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import type { Json } from '../../support/test-server.ts'

/** Exported by PyTorch; its make.py says how. */
const EXPORTED = join(import.meta.dirname, '../../fixtures/onnx-mistral')
/** The reference of this one is itself 1.35e-4 from the same in float64 (families.test.ts). */
const closeOf = (name: string) => (name === 'qwen3_5-published' ? { absolute: 2e-4, relative: 2e-5 } : CLOSE)

async function imported(source: string, out = temporaryFolder()): Promise<Bundle> {
  await importModel({ source, out, quantization: 'keep' })
  return loadBundle(out)
}

function exportedReference(): DecoderReference {
  const all = JSON.parse(readFileSync(join(EXPORTED, 'reference.json'), 'utf8')) as Record<string, number[]>
  return { ids: (name) => all[name]!, numbers: (name) => Float32Array.from(all[name]!) }
}

describe('a graph that PyTorch exported in the conventions of transformers.js', () => {
  test('gives the logits and the greedy tokens of transformers', async () =>
    expectReference(await imported(EXPORTED), exportedReference(), CLOSE))

  test('whole = in pieces = token by token; a later token changes nothing before', async () =>
    expectPieces(await imported(EXPORTED), exportedReference(), CLOSE))

  test('saved and restored elsewhere = uninterrupted, a batch of any lengths = its rows alone, bit for bit', async () =>
    expectSavedAndBatched(await imported(EXPORTED), exportedReference()))
})

test('the room that joined caches have changes no bit of the logits', async () => {
  const folder = temporaryFolder()
  cpSync(EXPORTED, folder, { recursive: true })
  replaced(join(folder, 'config.json'), '"max_position_embeddings": 256', '"max_position_embeddings":8192')
  const { path, manifest } = await imported(folder)
  const graph = await openGraph(path('decoder.onnx'))
  const logitsWith = async (capacity: number): Promise<Float32Array> => {
    const [inputs, outputs]: Record<string, Tensor>[] = [{}, {}]
    for (const [seed, { input, output, shape }] of manifest.state.entries()) {
      const sizes = shape.map((size) => (size === 'batch' ? 1 : size === 'time' ? capacity : size))
      const cache = createTensor('float32', sizes)
      // The same keys at the same positions, wherever these are in memory.
      for (let head = 0; head < 2; head++)
        for (let i = 0; i < 100 * 8; i++) cache.data[head * capacity * 8 + i] = Math.sin(seed + head + i)
      inputs![input] = cache
      outputs![output] = cache
    }
    const logits = createTensor('float32', [1, 1, 48])
    const ids = { ids: createTensor('int32', [1, 1], [5]), positions: createTensor('int32', [1], [100]) }
    const binding = graph.bind({ ...ids, ...inputs }, { logits, ...outputs })
    await binding.run()
    binding.release()
    return logits.data
  }
  const smallest = await logitsWith(256)
  for (const capacity of [512, 1024, 8192]) expectSameBits(await logitsWith(capacity), smallest, `room for ${capacity}`)
  graph.close()
})

/** Of joined caches those of which masks and states differ: all seen, windows, sinks, and recurrent layers beside. */
const JOINED = ['gemma3', 'gpt2', 'gpt_oss', 'lfm2', 'llama', 'mistral', 'qwen3_5']
const forms: readonly (readonly [OnnxForm, readonly string[]])[] = [
  // genai_config.json has one size for all heads, of which Gemma 4 has two.
  [{ convention: 'genai', caches: 'shared' }, folders.filter((name) => !name.startsWith('gemma4'))],
  [{ convention: 'transformers.js', caches: 'joined' }, folders.filter((name) => JOINED.includes(name))],
]
/** None where the published fixtures are missing. */
const CASES = forms.filter(([, names]) => names.length > 0)

describe.each(CASES)('%o', (form, names) => {
  describe.each(names)('%s', (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'mneme-'))
    let bundle: Bundle
    let reference: DecoderReference
    beforeAll(async () => {
      reference = await readReference(`models/${name}`)
      await writeOnnxFolder(join(folder, 'source'), name, form)
      bundle = await imported(join(folder, 'source'), join(folder, 'bundle'))
    })
    afterAll(() => rmSync(folder, { recursive: true }))

    test('gives the logits and the greedy tokens of transformers', () =>
      expectReference(bundle, reference, closeOf(name)))

    test('whole = in pieces = token by token; a later token changes nothing before', () =>
      expectPieces(bundle, reference, closeOf(name)))

    test('saved and restored elsewhere = uninterrupted, a batch of any lengths = its rows alone, bit for bit', () =>
      expectSavedAndBatched(bundle, reference))
  })
})

describe.skipIf(!existsSync(fixtures))('a decoder that reads vectors, with its embedding beside it', () => {
  const split: OnnxForm = { convention: 'transformers.js', caches: 'shared', embedding: true, axes: [3] }
  async function whole(form: OnnxForm, fixture = 'qwen3_5') {
    const folder = temporaryFolder()
    const graph = await writeOnnxFolder(folder, fixture, form)
    return { folder, graph, reference: await readReference(`models/${fixture}`) }
  }
  async function logitsOf(bundle: Bundle, ids: readonly number[]): Promise<Numbers> {
    const decoder = await opened(bundle)
    const { logits } = await decoder.run([ids], decoder.start(1))
    decoder.close()
    return logits.data as Numbers
  }

  test('is served from token ids, with positions of three axes: logits, pieces, saved and batched', async () => {
    const { folder, reference } = await whole(split)
    const bundle = await imported(folder)
    expect(bundle.manifest.files).toHaveProperty('embed_tokens.onnx_data')
    expect(bundle.manifest.verification).toMatchObject({ ragged: 0, twoRows: 0 })
    await expectReference(bundle, reference, CLOSE)
    await expectPieces(bundle, reference, CLOSE)
    await expectSavedAndBatched(bundle, reference)
  })

  test('of several pairs the one whose file is named, in blocks of 8 bits, gives what our own import gives', async () => {
    const { folder, graph, reference } = await whole(
      { ...split, quantization: 'int8', suffix: '_quantized' },
      'qwen3_5_moe',
    )
    await writeOnnxFolder(folder, 'qwen3_5_moe', split)
    const bundle = await imported(graph)
    const own = await importTo(temporaryFolder(), 'models/qwen3_5_moe', 'int8')
    const stored = bundle.manifest.source['stored'] as Record<string, number>
    expect(stored['int8']).toBeGreaterThan(0)
    const ids = reference.ids('ids.2')
    // What is fed is rounded to 8 bits: a last bit decides how some numbers are.
    expectClose(await logitsOf(bundle, ids), await logitsOf(own, ids), { absolute: 0.1, relative: 0.02 })
  })

  test('in float16 keeps its past in float16, to the bit', async () => {
    const { folder, reference } = await whole({ ...split, caches: 'joined', half: true })
    const bundle = await imported(folder)
    expect(new Set(bundle.manifest.state.map(({ dtype }) => dtype))).toEqual(new Set(['float16']))
    const logits = await logitsOf(bundle, reference.ids('ids.2'))
    expectClose(logits, reference.numbers('logits_all.2'), { absolute: 5e-2, relative: 1e-2 })
    await expectSavedAndBatched(bundle, reference)
  })

  test.each<[what: string, change: (inside: string) => void, sentence: RegExp]>([
    [
      'no embedding',
      (inside) => rmSync(join(inside, 'embed_tokens.onnx')),
      /inputs_embeds: expected embed_tokens\.onnx beside it, which makes them of token ids, found none/,
    ],
    [
      'an embedding that makes something else',
      (inside) => replaced(join(inside, 'embed_tokens.onnx'), 'inputs_embeds', 'outputs_embed'),
      /embed_tokens\.onnx: expected the output inputs_embeds alone, got outputs_embed/,
    ],
    [
      'an embedding of something else',
      (inside) => replaced(join(inside, 'embed_tokens.onnx'), 'input_ids', 'image_ids'),
      /embed_tokens\.onnx: expected the input input_ids alone, got image_ids/,
    ],
    [
      'a name that both graphs have',
      (inside) => replaced(join(inside, 'embed_tokens.onnx'), 'Cast-0', 'logits'),
      /embed_tokens\.onnx: logits: expected a name that the decoder does not have too/,
    ],
  ])('is refused by name with %s, and nothing is written', async (_, change, sentence) => {
    const { folder } = await whole(split)
    change(join(folder, 'onnx'))
    const out = join(temporaryFolder(), 'out')
    await expect(importModel({ source: folder, out, quantization: 'keep' })).rejects.toThrow(sentence)
    expect(existsSync(out)).toBe(false)
  })
})

describe.skipIf(!existsSync(fixtures))('an ONNX folder', () => {
  test.each<[what: string, form: OnnxForm]>([
    ['num_logits_to_keep', { convention: 'transformers.js', caches: 'shared', keep: true }],
    ['a branch for a past', { convention: 'transformers.js', caches: 'joined', merged: true }],
  ])('with %s gives the logits of transformers, all of them or the last alone', async (_, form) => {
    const folder = temporaryFolder()
    await writeOnnxFolder(folder, 'llama', form)
    const [bundle, reference] = [await imported(folder), await readReference('models/llama')]
    await expectReference(bundle, reference, CLOSE)
    const decoder = await opened(bundle)
    const last = await decoder.run([reference.ids('ids.2')], decoder.start(1), -1)
    expect(last.logits.dims).toEqual([1, 1, decoder.vocab])
    const wanted = reference.numbers('logits_all.2').slice(-decoder.vocab)
    expectClose(last.logits.data as Numbers, wanted, CLOSE)
    const some = await decoder.run([reference.ids('ids.2')], decoder.start(1), 30)
    expectClose(some.logits.data as Numbers, reference.numbers('logits_all.2').slice(30 * decoder.vocab), CLOSE)
    decoder.close()
  })

  test('keeps the files of its weights byte for byte, and says what its files say', async () => {
    const folder = temporaryFolder()
    await writeOnnxFolder(folder, 'qwen3_5', { convention: 'genai', caches: 'shared' })
    const { dir, manifest } = await imported(folder)
    const data = 'model.onnx.data'
    const hash = createHash('sha256')
      .update(readFileSync(join(folder, data)))
      .digest('hex')
    expect(manifest.files[data]?.sha256).toBe(hash)
    expect(readFileSync(join(dir, data)).equals(readFileSync(join(folder, data)))).toBe(true)
    expect(manifest).toMatchObject({
      architecture: 'qwen3_5',
      generation: { temperature: 0.6, top_p: 0.9 },
      source: { caches: 'shared', quantization: 'keep' },
      verification: { asPublished: expect.any(Number), ragged: 0, twoRows: 0 },
    })
    expect(manifest.state.map(({ kind }) => kind)).toContain('fixed')
    const config: Json = JSON.parse(readFileSync(join(fixtures, 'models/qwen3_5/config.json'), 'utf8'))
    expect(manifest.maxTokens).toBe(config.max_position_embeddings)
  })

  test('computes of a head only the rows that are sampled', async () => {
    const bundle = await imported(EXPORTED)
    const { nodes } = await readModelFile(bundle.path('decoder.onnx'))
    const made = (name: string) => nodes.find(({ outputs }) => outputs.includes(name))!
    const head = made('logits')
    expect(head.type).toBe('MatMul')
    const cut = made(head.inputs[0]!)
    expect(cut.type).toBe('Slice')
    expect(made(cut.inputs[1]!).inputs[0]).toBe('logits_from')
  })

  test('is served: the second turn of a conversation computes its new tokens only', async () => {
    const folder = temporaryFolder()
    await writeOnnxFolder(folder, 'lfm2', { convention: 'transformers.js', caches: 'shared' })
    const { tokenizer, config: withTemplate } = byteTokenizer()
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(withTemplate))
    const data = temporaryFolder()
    const out = await servedBundle(folder, data, () => {})
    const settings = { port: 0, data, logLevel: 'silent', drainTimeout: 1, threads: 1, maxBatch: 2 }
    const config = configSchema.parse(settings)
    const server = await startServer(
      config,
      { models: [modelSource(await loadBundle(out), config)], embedders: [] },
      { store: storeOf(config) },
    )
    onTestFinished(() => server.stop())
    const turn = async (input: string, previous?: string): Promise<Json> => {
      const { name: model } = (await loadBundle(out)).manifest
      const body = { model, input, max_output_tokens: 8, temperature: 0, previous_response_id: previous }
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${server.url}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) })
      const response: Json = await answer.json()
      expect([answer.status, response.error]).toEqual([200, null])
      return response
    }
    const first = await turn('What is on the table, and who put it there?')
    const second = await turn('Why?', first.id)
    expect(first.usage.output_tokens).toBe(8)
    // New are the last token of the reply, its end, and the new message: its four bytes between three special tokens.
    const { input_tokens: all, input_tokens_details: details } = second.usage
    expect(details.cached_tokens).toBe(first.usage.input_tokens + 7)
    expect(all - details.cached_tokens).toBe(1 + 1 + 4 + 3)
  })
})

/** Another text of the same length in the place of one in a file. */
function replaced(file: string, from: string, to: string): void {
  expect(to.length).toBe(from.length)
  const text = readFileSync(file, 'latin1')
  expect(text).toContain(from)
  writeFileSync(file, Buffer.from(text.replaceAll(from, to), 'latin1'))
}

/** A folder with one graph of a few nodes. */
function withGraph(spec: Partial<ModelSpec>, config: Json = { model_type: 'tiny', vocab_size: 8 }): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  const ids = { name: 'input_ids', type: INT64, shape: ['batch_size', 'sequence_length'] }
  const past = { name: 'past_conv.0', type: FLOAT, shape: ['batch_size', 4] }
  const logits = { name: 'logits', type: FLOAT, shape: ['batch_size', 'sequence_length', 8] }
  const whole = { inputs: [ids, past], outputs: [logits, { ...past, name: 'present_conv.0' }], nodes: [], ...spec }
  writeFileSync(join(folder, 'model.onnx'), onnxModel(whole))
  return folder
}

describe('is refused by name, and nothing is written:', () => {
  const graph = 'onnx/model.onnx'
  const changed = (change: (file: string, folder: string) => void) => (): string => {
    const folder = temporaryFolder()
    cpSync(EXPORTED, folder, { recursive: true })
    change(join(folder, graph), folder)
    return folder
  }
  test.each<[what: string, folder: () => string, sentence: RegExp]>([
    [
      'a past without its present',
      changed((file) => replaced(file, 'present.1.key', 'prosent.1.key')),
      /past_key_values\.1\.key: expected present\.1\.key among the outputs, got logits, present\.0\.key/,
    ],
    [
      'a present without its past',
      () =>
        withGraph({
          outputs: [
            { name: 'logits', type: FLOAT, shape: ['b', 't', 8] },
            ...['present_conv.0', 'present.3.key'].map((name) => ({ name, type: FLOAT, shape: ['b', 4] })),
          ],
        }),
      /present\.3\.key: expected a past state among the inputs that it continues, got none/,
    ],
    [
      'an input of no known meaning',
      changed((file) => replaced(file, 'past_key_values.0.value', 'pest_key_values.0.value')),
      /pest_key_values\.0\.value: expected ids, mask, positions or a past state/,
    ],
    [
      'a graph without a past',
      () =>
        withGraph({
          inputs: [{ name: 'input_ids', type: INT64, shape: ['b', 't'] }],
          outputs: [{ name: 'logits', type: FLOAT, shape: ['b', 't', 8] }],
        }),
      /past_key_values: expected past states among the inputs, got none/,
    ],
    [
      'no logits',
      changed((file) => replaced(file, 'logits', 'legits')),
      /logits: expected it among the outputs, got legits/,
    ],
    [
      'ids of another type',
      () =>
        withGraph({
          inputs: [
            { name: 'input_ids', type: FLOAT, shape: ['b', 't'] },
            { name: 'past_conv.0', type: FLOAT, shape: ['b', 4] },
          ],
        }),
      /input_ids: expected whole numbers of 2 axes, got float32 \[b, t\]/,
    ],
    [
      'a state of a known batch',
      () =>
        withGraph({
          inputs: [
            { name: 'input_ids', type: INT64, shape: ['b', 't'] },
            { name: 'past_conv.0', type: FLOAT, shape: [1, 4] },
          ],
        }),
      /past_conv\.0: expected a batch of any size, got float32 \[1, 4\]/,
    ],
    [
      'weights that are rounded with other rows',
      () => withGraph({ nodes: [{ op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['y', 's', 'z'] }] }),
      /DynamicQuantizeLinear: it rounds the numbers of a token by those of all others in the call/,
    ],
    [
      'an attention with pages',
      () => withGraph({ nodes: [{ op: 'PagedAttention', inputs: ['x'], outputs: ['y'], domain: 'com.microsoft' }] }),
      /PagedAttention: expected a cache for each conversation/,
    ],
    [
      'a cache of a window',
      () =>
        withGraph({
          nodes: [
            { op: 'GroupQueryAttention', inputs: ['x'], outputs: ['y'], attributes: { sliding_window_cache: 1 } },
          ],
        }),
      /y: sliding_window_cache: expected a cache of all positions/,
    ],
    [
      'a file that was cut',
      changed((file) => truncateSync(file, 90_000)),
      /onnx\/model\.onnx: expected an ONNX file; at byte \d+/,
    ],
    [
      'a file of something else',
      changed((file) => writeFileSync(file, 'no model')),
      /model\.onnx: expected an ONNX file/,
    ],
    [
      'no configuration',
      changed((_, folder) => rmSync(join(folder, 'config.json'))),
      /expected config\.json or genai_config\.json beside the graph, got neither/,
    ],
    [
      'several graphs and none in float32',
      changed((file, folder) => {
        for (const kind of ['q4', 'fp16']) cpSync(file, join(folder, `onnx/model_${kind}.onnx`))
        rmSync(file)
      }),
      /has 2 graphs; name the file of one: onnx\/model_fp16\.onnx, onnx\/model_q4\.onnx/,
    ],
    [
      'a chain of graphs',
      changed((_, folder) =>
        writeFileSync(join(folder, 'genai_config.json'), JSON.stringify({ model: { decoder: { pipeline: [{}] } } })),
      ),
      /genai_config\.json: decoder\.pipeline: expected one graph, got a chain/,
    ],
  ])('%s', async (_, folder, sentence) => {
    const out = join(temporaryFolder(), 'out')
    await expect(importModel({ source: folder(), out, quantization: 'keep' })).rejects.toThrow(sentence)
    expect(existsSync(out)).toBe(false)
  })

  test('weights in another form than the graph has them', async () => {
    const out = join(temporaryFolder(), 'out')
    await expect(importModel({ source: EXPORTED, out, quantization: 'int4' })).rejects.toThrow(
      '--quantize: expected keep for an ONNX graph',
    )
    expect(existsSync(out)).toBe(false)
  })

  const data = 'model.onnx_data'
  test.skipIf(!existsSync(fixtures)).each<[what: string, change: (inside: string) => void, sentence: RegExp]>([
    [
      'external data that leaves the folder',
      (inside) => replaced(join(inside, 'model.onnx'), data, '../elsewhere...'),
      /external data: expected the name of a file beside the graph, got \.\.\/elsewhere/,
    ],
    [
      'external data behind a link to another place',
      (inside) => {
        const other = join(temporaryFolder(), 'weights')
        cpSync(join(inside, data), other)
        rmSync(join(inside, data))
        symlinkSync(other, join(inside, data))
      },
      /model\.onnx_data: is a link to .*, outside of the folder/,
    ],
    [
      'external data that is not there',
      (inside) => rmSync(join(inside, data)),
      /model\.onnx_data: cannot be read: there is no such file/,
    ],
    [
      'external data that was cut',
      (inside) => truncateSync(join(inside, data), 100_000),
      /external data in model\.onnx_data: expected \d+ bytes at byte \d+, the file has 100000/,
    ],
  ])('%s', async (_, change, sentence) => {
    const [folder, out] = [temporaryFolder(), join(temporaryFolder(), 'out')]
    await writeOnnxFolder(folder, 'llama', { convention: 'transformers.js', caches: 'shared' })
    change(join(folder, 'onnx'))
    await expect(importModel({ source: folder, out, quantization: 'keep' })).rejects.toThrow(sentence)
    expect(existsSync(out)).toBe(false)
  })
})
