import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bindTensors, readParameter } from '../../../exporter/import/bind.ts'
import { cosine } from '../../../exporter/import/embedder-trial.ts'
import { importModel } from '../../../exporter/import/import.ts'
import { readPublishedEncoder } from '../../../exporter/import/published-config.ts'
import { openSource } from '../../../exporter/import/sources/source.ts'
import { withComposites } from '../../../models/composites.ts'
import { sentenceVector } from '../../../models/layers/pooling.ts'
import { fill, flatten } from '../../../models/spec.ts'
import { loadBundle, type Bundle } from '../../../runtime/bundle.ts'
import { openEmbedder, paddedInputs } from '../../../runtime/embedder.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import type { EncodedText } from '../../../runtime/post-processor.ts'
import { createTensor, type Tensor as Memory } from '../../../runtime/tensor.ts'
import { loadTensorFlow, type Tensor } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { startMneme } from '../../clients/cli/mneme-process.ts'
import { expectClose } from '../../support/all-close.ts'
import { publishedWeights, fixtures, importTo, readReference, type Numbers } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

type Json = Record<string, unknown>

const CLOSE = { absolute: 1e-4, relative: 0 }
const COMMAND = join(import.meta.dirname, '../../../clients/cli/bin.js')
const BERT = join(fixtures, 'models/bert')
const textOf = (ids: readonly number[]): EncodedText => ({ ids, types: ids.map(() => 0) })

/** Both outputs of an embedder's graph, for inputs as they are. */
async function runGraph(bundle: Bundle, inputs: Record<string, Memory>) {
  const [batch, time] = inputs['ids']!.dims as [number, number]
  const { width } = bundle.manifest.embedder!
  const embedding = createTensor('float32', [batch, width])
  const hidden = createTensor('float32', [batch, time, width])
  const graph = await openGraph(bundle.path('embedder.onnx'))
  const binding = graph.bind(inputs, { embedding, hidden })
  await binding.run()
  binding.release()
  graph.close()
  return { embedding: embedding.data, hidden: hidden.data }
}

/** A copy of a published folder, some of whose JSON files were changed; null removes a file. */
function changed(source: string, edits: Readonly<Record<string, ((json: Json) => unknown) | null>>): string {
  const folder = join(temporaryFolder(), 'model')
  cpSync(source, folder, { recursive: true })
  for (const [file, edit] of Object.entries(edits)) {
    const path = join(folder, file)
    if (edit === null) {
      rmSync(path)
      continue
    }
    const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Json) : {}
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, JSON.stringify(edit(before)))
  }
  return folder
}

const set =
  (values: Json) =>
  (json: Json): Json => ({ ...json, ...values })

describe.skipIf(!existsSync(fixtures))('BERT for sentences', () => {
  test('gives the layers, the pooler and the sentences of transformers: the definition in TF.js', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const reference = await readReference('models/bert')
    const source = await openSource(BERT)
    const model = readPublishedEncoder({ ...source.config, add_pooling_layer: true })!
    const bindings = bindTensors(model, source.tensors)
    const weights = new Map<string, Numbers>()
    for (const [path] of flatten(model.params))
      weights.set(path, await readParameter(bindings.get(path)!, source.tensors))
    await source.tensors.close()
    const layers: Numbers[] = []
    const op = withComposites<Tensor>(eager(tf), {
      tap(x) {
        layers.push(x.dataSync() as Numbers)
        return x
      },
      layerHook(x) {
        layers.push(x.dataSync() as Numbers)
        return x
      },
    })
    const params = fill(model.params, (path, { shape }) => tf.tensor(weights.get(path)!, shape.map(Number)))
    for (const prompt of [0, 1, 2, 3]) {
      layers.length = 0
      const row = reference.ids(`ids.${prompt}`)
      const ids = tf.tensor2d([row], undefined, 'int32')
      const mask = tf.ones([1, row.length])
      const hidden = model.encode<Tensor>(op, params, { ids, mask, types: tf.zeros([1, row.length], 'int32') })
      const sentence = sentenceVector<Tensor>(op, { pooling: 'mean', normalize: true }, hidden, mask)
      expectClose(hidden.dataSync(), reference.numbers(`hidden_final.${prompt}`), CLOSE)
      expectClose(model.pooler<Tensor>(op, params, hidden).dataSync(), reference.numbers(`pooler.${prompt}`), CLOSE)
      expectClose(sentence.dataSync(), reference.numbers(`sentence.${prompt}`), CLOSE)
      if (prompt !== 2) continue
      expect(layers).toHaveLength(4)
      for (const [k, layer] of layers.entries()) expectClose(layer, reference.numbers(`hidden.${k}.2`), CLOSE)
    }
  })

  test('gives the sentences and hidden states of transformers: the imported graph', async () => {
    const reference = await readReference('models/bert')
    const bundle = await importTo(temporaryFolder(), 'models/bert')
    expect(bundle.manifest.embedder).toEqual({ pooling: 'mean', normalize: true, width: 64, maxTokens: 192 })
    for (const prompt of [0, 1, 2, 3]) {
      const { embedding, hidden } = await runGraph(bundle, paddedInputs([textOf(reference.ids(`ids.${prompt}`))]))
      expectClose(hidden, reference.numbers(`hidden_final.${prompt}`), CLOSE)
      expectClose(embedding, reference.numbers(`sentence.${prompt}`), CLOSE)
    }
  })

  test('gives a padded batch with two types of tokens as transformers does, and each of its rows as alone', async () => {
    const reference = await readReference('models/bert')
    const bundle = await importTo(temporaryFolder(), 'models/bert')
    const int32 = (name: string): Memory<'int32'> =>
      createTensor('int32', [3, 33], Int32Array.from(reference.ids(`batch.${name}`)))
    const inputs = { ids: int32('ids'), mask: int32('attention_mask'), types: int32('token_type_ids') }
    const { embedding, hidden } = await runGraph(bundle, inputs)
    expectClose(embedding, reference.numbers('batch.sentence'), CLOSE)
    const wanted = reference.numbers('batch.hidden_final')
    for (const [row, length] of [1, 7, 33].entries()) {
      const at = row * 33 * 64
      expectClose(hidden.subarray(at, at + length * 64), wanted.subarray(at, at + length * 64), CLOSE)
      const own = (tensor: Memory<'int32'>): Memory<'int32'> =>
        createTensor('int32', [1, length], tensor.data.slice(row * 33, row * 33 + length))
      const alone = await runGraph(bundle, { ids: own(inputs.ids), mask: own(inputs.mask), types: own(inputs.types) })
      const exact = { absolute: 1e-5, relative: 0 }
      expectClose(embedding.subarray(row * 64, (row + 1) * 64), alone.embedding, exact)
      expectClose(hidden.subarray(at, at + length * 64), alone.hidden, exact)
    }
  })

  test('the vectors of many texts come back in their order, whatever their lengths', async () => {
    const embedder = await openEmbedder(await importTo(temporaryFolder(), 'models/bert'))
    const texts = Array.from({ length: 60 }, (_, i) =>
      textOf(Array.from({ length: 1 + ((i * 37) % 150) }, (_, t) => 3 + ((i + t) % 400))),
    )
    const together = await embedder.embed(texts)
    for (const [i, text] of texts.entries()) {
      const [alone] = await embedder.embed([text])
      expectClose(together[i]!, alone!, { absolute: 1e-5, relative: 0, what: `text ${i}` })
    }
    embedder.close()
  })

  test.each([
    ['cls', 'pooling_mode_cls_token'],
    ['max', 'pooling_mode_max_tokens'],
  ])('pools by %s where its files say so, and leaves the length as it is', async (pooling, key) => {
    const reference = await readReference('models/bert')
    const source = changed(BERT, {
      '1_Pooling/config.json': () => ({ [key]: true }),
      'modules.json': (json) => Object.values(json).slice(0, 2),
    })
    const out = temporaryFolder()
    await importModel({ source, out, quantization: 'none' })
    const bundle = await loadBundle(out)
    expect(bundle.manifest.embedder).toMatchObject({ pooling, normalize: false })
    const { embedding } = await runGraph(bundle, paddedInputs([textOf(reference.ids('ids.2')), textOf([5, 6])]))
    const hidden = reference.numbers('hidden_final.2')
    const column = (i: number) => Array.from({ length: 33 }, (_, t) => hidden[t * 64 + i]!)
    const wanted = Array.from({ length: 64 }, (_, i) => (pooling === 'cls' ? hidden[i]! : Math.max(...column(i))))
    expectClose(embedding.subarray(0, 64), wanted, CLOSE)
  })

  test('takes the first published names of norms, the prefix of heads, and leaves the heads of pretraining out', async () => {
    const source = await openSource(BERT)
    const model = readPublishedEncoder(source.config)!
    const old = (name: string): string =>
      `bert.${name}`.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')
    const names = new Map(source.tensors.names.map((name) => [old(name), name]))
    const tensors = {
      ...source.tensors,
      names: [...names.keys(), 'cls.predictions.bias', 'cls.seq_relationship.weight', 'bert.embeddings.position_ids'],
      shape: (name: string) => source.tensors.shape(names.get(name)!),
    }
    const bindings = bindTensors(model, tensors)
    expect(bindings.get('layers.0.attention_norm.weight')?.names).toEqual([
      'bert.encoder.layer.0.attention.output.LayerNorm.gamma',
    ])
    await source.tensors.close()
  })

  test.each([
    ['int8', 0.999],
    ['int4', 0.9],
  ] as const)('in %s stays near float32, and its manifest says how near', async (form, least) => {
    const folder = temporaryFolder()
    const { manifest, stored } = await importModel({ source: BERT, out: folder, quantization: form })
    expect(stored[form]).toBeGreaterThan(0)
    expect(manifest.verification['cosine']).toBeGreaterThan(least)
    expect(manifest.verification['cosine']).toBeLessThan(1)
    const reference = await readReference('models/bert')
    const { embedding } = await runGraph(await loadBundle(folder), paddedInputs([textOf(reference.ids('ids.3'))]))
    expect(cosine(embedding, reference.numbers('sentence.3'))).toBeGreaterThan(least)
  })

  test.each<[what: string, edits: Parameters<typeof changed>[1], sentence: RegExp]>([
    [
      'no modules.json',
      { 'modules.json': null },
      /modules\.json: expected it to say how .* add --pooling mean, cls or max/,
    ],
    [
      'no file of its pooling',
      { '1_Pooling/config.json': null },
      /config\.json of its pooling: expected it to say how .* add --pooling mean, cls or max/,
    ],
    [
      'a module that is not done',
      { 'modules.json': (m) => [...Object.values(m), { type: 'sentence_transformers.models.Dense' }] },
      /expected Transformer, Pooling and maybe Normalize, got Transformer, Pooling, Normalize, Dense/,
    ],
    [
      'a way to pool that is not done',
      { '1_Pooling/config.json': () => ({ pooling_mode_lasttoken: true }) },
      /1_Pooling.config\.json: expected one of .*, got pooling_mode_lasttoken/,
    ],
    [
      'two ways to pool',
      { '1_Pooling/config.json': set({ pooling_mode_cls_token: true }) },
      /got pooling_mode_cls_token, pooling_mode_mean_tokens/,
    ],
    [
      'a pooling folder elsewhere',
      { 'modules.json': (m) => Object.values(m).map((one) => ({ ...(one as Json), path: '../1_Pooling' })) },
      /path: expected a folder beside it, got "\.\.\/1_Pooling"/,
    ],
    [
      'a prompt before each text',
      { 'config_sentence_transformers.json': () => ({ default_prompt_name: 'query' }) },
      /default_prompt_name: expected none, .*got "query"/,
    ],
    [
      'lower-casing that its tokenizer does not do',
      { 'sentence_bert_config.json': () => ({ do_lower_case: true }) },
      /do_lower_case: expected a tokenizer that lower-cases/,
    ],
    [
      'a head that is not done',
      { 'config.json': set({ architectures: ['BertForQuestionAnswering'] }) },
      /architectures: expected one of .*, got BertForQuestionAnswering/,
    ],
    ['a decoder', { 'config.json': set({ is_decoder: true }) }, /bert\.is_decoder: expected false/],
    [
      'relative positions',
      { 'config.json': set({ position_embedding_type: 'relative_key' }) },
      /position_embedding_type: expected one of absolute, got "relative_key"/,
    ],
    ['an unknown option', { 'config.json': set({ mystery: 3 }) }, /mystery: 3 is not known for bert/],
    [
      'fewer layers than tensors',
      { 'config.json': set({ num_hidden_layers: 2 }) },
      /expected no tensors encoder\.layer\.2/,
    ],
  ])('is refused with %s, and nothing is written', async (_, edits, sentence) => {
    const out = join(temporaryFolder(), 'out')
    await expect(importModel({ source: changed(BERT, edits), out, quantization: 'none' })).rejects.toThrow(sentence)
    expect(existsSync(out)).toBe(false)
  })

  test('--pooling says it where the files do not, cannot contradict them, and is refused for a decoder', async () => {
    const out = temporaryFolder()
    const bare = changed(BERT, { 'modules.json': null })
    const { manifest } = await importModel({ source: bare, out, quantization: 'none', pooling: 'cls' })
    expect(manifest.embedder).toMatchObject({ pooling: 'cls', normalize: true })
    const other = { out: join(temporaryFolder(), 'out'), quantization: 'none', pooling: 'cls' } as const
    await expect(importModel({ source: BERT, ...other })).rejects.toThrow('--pooling: expected mean as the model')
    await expect(importModel({ source: join(fixtures, 'models/llama'), ...other })).rejects.toThrow(
      '--pooling: expected it for an encoder of texts only, got cls for a decoder',
    )
  })

  test('a report of predictions refuses it by name', () => {
    const folder = temporaryFolder()
    const text = join(folder, 'text.txt')
    writeFileSync(text, 'some text')
    const args = [COMMAND, 'import', BERT, '--out', join(folder, 'bundle'), '--report', text]
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(stderr).toContain('--report: expected a model that predicts tokens, got an encoder')
    expect(status).not.toBe(0)
  })

  test('a server that has nothing else gives its vectors, those of transformers, and writes no text', async () => {
    const reference = await readReference('models/bert')
    const server = startMneme(['serve', BERT, '--port', '0', '--data', temporaryFolder()])
    const url = (await server.until(/http:\S+/)).trim()
    const post = async (path: string, body: object): Promise<Json> => {
      const headers = { 'content-type': 'application/json' }
      return (await (
        await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      ).json()) as Json
    }
    const input = [0, 1, 2].map((prompt) => reference.ids(`ids.${prompt}`))
    const { data } = (await post('/v1/embeddings', { input })) as { data: { embedding: number[] }[] }
    for (const [prompt, { embedding }] of data.entries())
      expectClose(Float32Array.from(embedding), reference.numbers(`sentence.${prompt}`), CLOSE)
    const { error } = await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] })
    expect(error).toMatchObject({ code: 'model_not_found', message: 'No model that writes text is served here.' })
  })

  test('what a configuration leaves out is what transformers takes', () => {
    expect(readPublishedEncoder({ model_type: 'bert' })?.config).toMatchObject({
      vocab_size: 30_522,
      hidden_size: 768,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      intermediate_size: 3072,
      hidden_act: 'gelu',
      max_position_embeddings: 512,
      type_vocab_size: 2,
      layer_norm_eps: 1e-12,
    })
  })

  test('max_seq_length of sentence_bert_config.json and model_max_length bound a text', async () => {
    const source = changed(BERT, { 'sentence_bert_config.json': () => ({ max_seq_length: 100 }) })
    const { manifest } = await importModel({ source, out: temporaryFolder(), quantization: 'none' })
    expect(manifest.embedder?.maxTokens).toBe(100)
  })
})

/** A published sentence encoder, where this machine has one. */
const MINILM = join(publishedWeights, 'all-minilm-l6-v2')

describe.skipIf(!existsSync(MINILM))('all-MiniLM-L6-v2', () => {
  const sentences = [
    'A man is playing a guitar on the stage.',
    'Someone performs music with a string instrument.',
    'The stock market fell sharply on Monday.',
    'Shares lost much of their value at the start of the week.',
    'Wie wird das Wetter morgen in Bern?',
    'Photosynthesis turns light into chemical energy, which plants store as sugar; '.repeat(12),
  ]

  test.each([
    ['none', 0.99],
    ['int8', 0.99],
    ['int4', 0.95],
  ] as const)('in %s gives the vectors of its published int8 file', async (quantization, least) => {
    const out = temporaryFolder()
    await importModel({ source: MINILM, out, quantization, pooling: 'mean' })
    const embedder = await openEmbedder(await loadBundle(out))
    const texts = sentences.map((sentence) => embedder.encode(sentence))
    expect(texts[0]!.ids).toEqual([101, 1037, 2158, 2003, 2652, 1037, 2858, 2006, 1996, 2754, 1012, 102])
    const vectors = await embedder.embed(texts)
    embedder.close()
    const published = await openGraph(join(MINILM, 'model.int8.onnx'))
    for (const [i, { ids }] of texts.entries()) {
      const row = (values: readonly number[]) =>
        createTensor('int64', [1, ids.length], BigInt64Array.from(values, BigInt))
      const hidden = createTensor('float32', [1, ids.length, 384])
      const inputs = {
        input_ids: row(ids),
        attention_mask: row(ids.map(() => 1)),
        token_type_ids: row(ids.map(() => 0)),
      }
      const [output] = published.outputs
      const binding = published.bind(inputs, { [output!.name]: hidden })
      await binding.run()
      binding.release()
      const mean = Float32Array.from({ length: 384 }, (_, d) =>
        ids.reduce((sum, _, t) => sum + hidden.data[t * 384 + d]! / ids.length, 0),
      )
      expect(cosine(vectors[i]!, mean), sentences[i]).toBeGreaterThan(least)
    }
    published.close()
    const near = (a: number, b: number): number => cosine(vectors[a]!, vectors[b]!)
    expect(near(0, 1)).toBeGreaterThan(near(0, 2) + 0.3)
    expect(near(2, 3)).toBeGreaterThan(near(1, 3) + 0.3)
  })
})
