import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bindTensors, readParameter } from '../../../exporter/import/bind.ts'
import { importModel } from '../../../exporter/import/import.ts'
import { readPublishedClassifier, readPublishedEncoder } from '../../../exporter/import/published-config.ts'
import { openSource } from '../../../exporter/import/sources/source.ts'
import { withComposites } from '../../../models/composites.ts'
import { fill, flatten } from '../../../models/spec.ts'
import { decoderOf, loadBundle, type Bundle } from '../../../runtime/bundle.ts'
import { openClassifier, openLogitsGraph } from '../../../runtime/classifier.ts'
import { openEmbedder, paddedInputs } from '../../../runtime/embedder.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import type { EncodedText } from '../../../runtime/post-processor.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { loadTensorFlow, type Tensor } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { encodeSafetensors, readSafetensors } from '../../../trainer/safetensors.ts'
import { expectClose } from '../../support/all-close.ts'
import { temporaryFolder } from '../../support/temporary.ts'

type Json = Record<string, unknown>

/** Tiny random models and their logits; make.py there says how they were made. */
const FIXTURES = join(import.meta.dirname, '../../fixtures/classifiers')
const names = readdirSync(FIXTURES).filter((name) => !name.endsWith('.py'))
const CLOSE = { absolute: 1e-4, relative: 0 }

interface Reference {
  readonly ids: readonly number[][]
  readonly types: readonly number[][]
  readonly logits: readonly number[][]
  readonly hidden: readonly number[]
}

const readJson = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json
const referenceOf = (name: string): Reference =>
  JSON.parse(readFileSync(join(FIXTURES, name, 'reference.json'), 'utf8')) as Reference
const textsOf = ({ ids, types }: Reference): EncodedText[] => ids.map((row, i) => ({ ids: row, types: types[i]! }))

async function imported(source: string, quantization: 'none' | 'int8' = 'none'): Promise<Bundle> {
  const out = temporaryFolder()
  await importModel({ source, out, quantization })
  return loadBundle(out)
}

/** A copy of a fixture with another configuration, and only those of its tensors that are wanted. */
async function changed(
  name: string,
  config: (json: Json) => Json,
  wanted: (tensor: string) => boolean = () => true,
): Promise<string> {
  const folder = join(temporaryFolder(), name)
  cpSync(join(FIXTURES, name), folder, { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config(readJson(join(folder, 'config.json')))))
  const { tensors } = await readSafetensors(join(folder, 'model.safetensors'))
  const kept = Object.fromEntries(Object.entries(tensors).filter(([tensor]) => wanted(tensor)))
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat(encodeSafetensors(kept)))
  return folder
}

const set =
  (values: Json) =>
  (json: Json): Json => ({ ...json, ...values })

describe.each(names)('%s', (name) => {
  test('gives the logits of transformers, each text in a padded batch as alone', async () => {
    const bundle = await imported(join(FIXTURES, name))
    const { task, labels } = bundle.manifest.classifier!
    const reference = referenceOf(name)
    const graph = await openLogitsGraph(bundle.path('classifier.onnx'), { task, labels: labels.length })
    const together = await graph.embed(textsOf(reference))
    for (const [i, text] of textsOf(reference).entries()) {
      const [alone] = await graph.embed([text])
      expectClose(together[i]!, Float32Array.from(reference.logits[i]!), CLOSE)
      expectClose(together[i]!, alone!, { absolute: 1e-5, relative: 0 })
    }
    graph.close()
  })

  test('gives them as the definition in TF.js too', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const source = await openSource(join(FIXTURES, name))
    const { task, labels } = readPublishedClassifier(source.config)!
    const model = readPublishedEncoder(source.config)!.classifier(task, labels.length)
    const bindings = bindTensors(model, source.tensors)
    const weights = new Map<string, Float32Array>()
    for (const [path] of flatten(model.params))
      weights.set(path, await readParameter(bindings.get(path)!, source.tensors))
    await source.tensors.close()
    const op = withComposites<Tensor>(eager(tf), {})
    const params = fill(model.params, (path, { shape }) => tf.tensor(weights.get(path)!, shape.map(Number)))
    const reference = referenceOf(name)
    for (const [i, { ids: row, types }] of textsOf(reference).entries()) {
      const ids = tf.tensor2d([[...row]], undefined, 'int32')
      const input = { ids, mask: tf.ones([1, row.length]), types: tf.tensor2d([[...types]], undefined, 'int32') }
      const logits = model.logits<Tensor>(op, params, input)
      expectClose(logits.dataSync(), Float32Array.from(reference.logits[i]!), CLOSE)
    }
  })
})

/** WordPiece of a few words, which puts [CLS] and [SEP] around a text or a pair, as BERT's. */
function writeTokenizer(folder: string): void {
  const words = ['[PAD]', '[CLS]', '[SEP]', '[UNK]', 'it', 'rains', 'the', 'street', 'is', 'wet', 'dry', '##s']
  const template = (sequence: string, type: number) => ({ Sequence: { id: sequence, type_id: type } })
  const special = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } })
  const tokenizer = {
    version: '1.0',
    added_tokens: words.slice(0, 4).map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]', 0), template('A', 0), special('[SEP]', 0)],
      pair: [special('[CLS]', 0), template('A', 0), special('[SEP]', 0), template('B', 1), special('[SEP]', 1)],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [2], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    },
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ model_max_length: 12 }))
}

describe('a classifier', () => {
  test('scores texts and pairs of texts by its labels, as the softmax of the logits of its tokens', async () => {
    const folder = await changed('bert-sequence', set({}))
    writeTokenizer(folder)
    const bundle = await imported(folder)
    const classifier = await openClassifier(bundle)
    const labels = ['entailment', 'neutral', 'contradiction']
    expect(classifier).toMatchObject({ task: 'sequence', labels, maxTokens: 12 })
    const pair = ['It rains', 'the street is wet'] as const
    const encoded = { ids: [1, 4, 5, 2, 6, 7, 8, 9, 2], types: [0, 0, 0, 0, 1, 1, 1, 1, 1] }
    expect(classifier.encode(pair)).toEqual({ ...encoded, truncated: false })
    const graph = await openLogitsGraph(bundle.path('classifier.onnx'), { task: 'sequence', labels: 3 })
    const [logits] = await graph.embed([encoded])
    graph.close()
    const [scores, other] = await classifier.classify([pair, 'it rains'])
    const weights = Array.from(logits!, Math.exp)
    const sum = weights.reduce((a, b) => a + b)
    for (const [i, label] of labels.entries()) expect(scores![label]).toBeCloseTo(weights[i]! / sum, 5)
    expect(Object.values(other!).reduce((a, b) => a + b)).toBeCloseTo(1, 6)
    await expect(classifier.classifyTokens(['it'])).rejects.toThrow('expected a classifier of tokens')
    classifier.close()
  })

  test('cuts the longer text of a pair first', async () => {
    const folder = await changed('bert-sequence', set({}))
    writeTokenizer(folder)
    const classifier = await openClassifier(await imported(folder))
    const long = 'the street is wet the street is wet'
    // Nine tokens beside the three special ones.
    expect(classifier.encode([long, 'it rains'])).toEqual({
      ids: [1, 6, 7, 8, 9, 6, 7, 8, 2, 4, 5, 2],
      types: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
      truncated: true,
    })
    expect(classifier.encode(['it rains', long]).ids).toEqual([1, 4, 5, 2, 6, 7, 8, 9, 6, 7, 8, 2])
    expect(classifier.encode([long, long]).ids).toEqual([1, 6, 7, 8, 9, 6, 2, 6, 7, 8, 9, 2])
    expect(classifier.encode(long).truncated).toBe(false)
    classifier.close()
  })

  test('of tokens scores each of them', async () => {
    const folder = await changed('bert-token', set({}))
    writeTokenizer(folder)
    const classifier = await openClassifier(await imported(folder))
    const [tokens] = await classifier.classifyTokens(['the street is dry'])
    expect(tokens!.map(({ id }) => id)).toEqual([1, 6, 7, 8, 10, 2])
    for (const { scores } of tokens!) {
      expect(Object.keys(scores)).toEqual(['O', 'B-PER', 'I-PER', 'B-LOC'])
      expect(Object.values(scores).reduce((a, b) => a + b)).toBeCloseTo(1, 6)
    }
    classifier.close()
  })

  test('of several labels at once scores each for itself, and one of a number gives the number', async () => {
    const scoresOf = async (name: string, config: Json): Promise<number[]> => {
      const folder = await changed(name, set(config))
      writeTokenizer(folder)
      const classifier = await openClassifier(await imported(folder))
      const [scores] = await classifier.classify(['it rains'])
      classifier.close()
      return Object.values(scores!)
    }
    const several = await scoresOf('modernbert-sequence-mean', {})
    for (const score of several) expect(score > 0 && score < 1).toBe(true)
    expect(several.reduce((a, b) => a + b)).not.toBeCloseTo(1, 2)
    const numbers = await scoresOf('bert-sequence', { problem_type: 'regression' })
    const shares = await scoresOf('bert-sequence', {})
    const sum = numbers.map(Math.exp).reduce((a, b) => a + b)
    for (const [i, share] of shares.entries()) expect(share).toBeCloseTo(Math.exp(numbers[i]!) / sum, 5)
  })

  test('in 8 bits says how near its logits are to those in float32', async () => {
    const { manifest } = await imported(join(FIXTURES, 'deberta-v2-sequence'), 'int8')
    expect(manifest.verification).toMatchObject({ cosine: expect.any(Number) })
    expect(Number(manifest.verification['cosine'])).toBeGreaterThan(0.99)
  })

  test('is no embedder and no decoder, and says so', async () => {
    const bundle = await imported(join(FIXTURES, 'bert-sequence'))
    await expect(openEmbedder(bundle)).rejects.toThrow('expected a bundle with an embedder, got one without')
    expect(() => decoderOf(bundle.manifest)).toThrow('got one with a classifier alone: it scores labels of texts')
    const folder = await changed('modernbert-token', set({ architectures: ['ModernBertModel'] }), (tensor) =>
      tensor.startsWith('model.'),
    )
    await expect(imported(folder)).rejects.toThrow('modules.json: expected it to say how the vectors')
  })

  test.each<[what: string, name: string, config: Json, sentence: RegExp]>([
    [
      'another head',
      'bert-sequence',
      { architectures: ['BertForMultipleChoice'] },
      /got BertForMultipleChoice: its head is not done/,
    ],
    ['fewer labels than logits', 'bert-sequence', { id2label: { 0: 'a', 1: 'b' } }, /classifier\.weight: expected/],
    [
      'a label without a name',
      'bert-sequence',
      { id2label: { 0: 'a', 2: 'c', 3: 'd' } },
      /id2label: expected a name for each number below 3, got none for 1/,
    ],
    [
      'an unknown problem',
      'bert-sequence',
      { problem_type: 'ranking' },
      /problem_type: expected one of .*got "ranking"/,
    ],
    ['a convolution', 'deberta-v2-token', { conv_kernel_size: 3 }, /conv_kernel_size: 3 is not known for deberta-v2/],
    [
      'another kind of distances',
      'deberta-v2-token',
      { pos_att_type: 'p2p' },
      /pos_att_type: expected c2p and p2c only, got "p2p"/,
    ],
    [
      'distances that are not there',
      'deberta-v2-sequence',
      { norm_rel_ebd: 'none' },
      /expected no tensors deberta\.encoder\.LayerNorm/,
    ],
    [
      'a stretched rotation',
      'modernbert-token',
      { rope_parameters: { full_attention: { rope_type: 'yarn' } } },
      /rope_type: expected default, got "yarn"/,
    ],
    [
      'an unknown kind of layer',
      'modernbert-token',
      { layer_types: ['full_attention', 'other', 'x', 'y'] },
      /layer_types: expected full_attention or sliding_attention for layer 1, got other/,
    ],
    ['an unknown option', 'modernbert-token', { mystery: 3 }, /mystery: 3 is not known for modernbert/],
  ])('is refused with %s, and nothing is written', async (_, name, config, sentence) => {
    const out = join(temporaryFolder(), 'out')
    const source = await changed(name, set(config))
    await expect(importModel({ source, out, quantization: 'none' })).rejects.toThrow(sentence)
    expect(existsSync(out)).toBe(false)
  })

  test('--pooling is refused for it', async () => {
    const out = join(temporaryFolder(), 'out')
    const o = { source: join(FIXTURES, 'bert-sequence'), out, quantization: 'none', pooling: 'cls' } as const
    await expect(importModel(o)).rejects.toThrow('--pooling: expected it for an encoder of sentences only')
  })
})

test('configurations of transformers 4 mean what those of transformers 5 do', () => {
  const old = {
    model_type: 'modernbert',
    global_attn_every_n_layers: 3,
    global_rope_theta: 160_000,
    local_rope_theta: null,
  }
  expect(readPublishedEncoder(old)?.config).toMatchObject({ num_hidden_layers: 22, local_rope_theta: null })
  const deberta = { model_type: 'deberta-v2', pos_att_type: 'p2c|c2p', relative_attention: true, position_buckets: 256 }
  expect(readPublishedEncoder(deberta)?.config).toMatchObject({ pos_att_type: ['p2c', 'c2p'] })
  expect(readPublishedClassifier({ model_type: 'bert', architectures: ['BertForSequenceClassification'] })).toEqual({
    task: 'sequence',
    labels: ['LABEL_0', 'LABEL_1'],
    activation: 'softmax',
  })
})

test.each(['modernbert-sequence', 'deberta-v2-sequence', 'bert-token'])(
  'the encoder of %s alone is one of sentences, with the hidden states of transformers',
  async (name) => {
    const kind =
      { 'modernbert-sequence': 'ModernBertModel', 'deberta-v2-sequence': 'DebertaV2Model' }[name] ?? 'BertModel'
    const source = await changed(
      name,
      set({ architectures: [kind] }),
      (tensor) => !/^(classifier|head|pooler)\./.test(tensor),
    )
    const out = temporaryFolder()
    const { manifest } = await importModel({ source, out, quantization: 'none', pooling: 'mean' })
    const { width } = manifest.embedder!
    const reference = referenceOf(name)
    const text = textsOf(reference).at(-1)!
    const graph = await openGraph(join(out, 'embedder.onnx'))
    const hidden = createTensor('float32', [1, text.ids.length, width])
    const binding = graph.bind(paddedInputs([text]), { hidden })
    await binding.run()
    binding.release()
    graph.close()
    expectClose(hidden.data, Float32Array.from(reference.hidden), CLOSE)
  },
)
