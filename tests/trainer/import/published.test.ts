import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import { gpt2 } from '../../../trainer/import/gpt2.ts'
import { mamba } from '../../../trainer/import/mamba.ts'
import { ImportError } from '../../../exporter/import/import-error.ts'
import { importWeights } from '../../../trainer/import/published.ts'
import { prepare } from '../../../trainer/run/prepare.ts'
import { Random } from '../../../trainer/random.ts'
import { encodeSafetensors, readSafetensors } from '../../../trainer/safetensors.ts'
import { recipeWith } from '../../../trainer/recipes/settings.ts'
import { loadTensorFlow, type Tensor as TfTensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { eagerRun, randomIds, randomWeights } from '../../support/decoders.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const [VOCAB, D, LAYERS, STATES] = [260, 16, 2, 4]
const options = { vocab: VOCAB, width: D, layers: LAYERS, heads: 2, outputs: 3, tokens: 6, stride: 4, keys: 8 }
const model = createModel('smt', { ...options, ssmLayers: LAYERS, ssmStates: STATES })

function randomTensors(shapes: Readonly<Record<string, readonly number[]>>): Record<string, Tensor> {
  const entries = Object.entries(shapes).map(([name, dims]) => {
    const tensor = createTensor('float32', dims)
    const random = new Random(name)
    for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = 0.2 * random.normal() + (name.includes('ln') ? 1 : 0)
    return [name, tensor] as const
  })
  return Object.fromEntries(entries)
}

/** A file as openai-community/gpt2 lays it out, one layer deeper than the model. */
const gpt2File = randomTensors(
  Object.fromEntries([
    ['wte.weight', [VOCAB, D]],
    ['wpe.weight', [1024, D]],
    ['ln_f.weight', [D]],
    ['ln_f.bias', [D]],
    ...Array.from({ length: LAYERS + 1 }, (_, i) => [
      [`h.${i}.ln_1.weight`, [D]],
      [`h.${i}.ln_1.bias`, [D]],
      [`h.${i}.attn.bias`, [1, 1, 8, 8]],
      [`h.${i}.attn.c_attn.weight`, [D, 3 * D]],
      [`h.${i}.attn.c_attn.bias`, [3 * D]],
      [`h.${i}.attn.c_proj.weight`, [D, D]],
      [`h.${i}.attn.c_proj.bias`, [D]],
      [`h.${i}.ln_2.weight`, [D]],
      [`h.${i}.ln_2.bias`, [D]],
      [`h.${i}.mlp.c_fc.weight`, [D, 4 * D]],
      [`h.${i}.mlp.c_fc.bias`, [4 * D]],
      [`h.${i}.mlp.c_proj.weight`, [4 * D, D]],
      [`h.${i}.mlp.c_proj.bias`, [D]],
    ]).flat(),
  ]) as Record<string, number[]>,
)

/** A file as state-spaces/mamba-130m lays it out. */
const mambaFile = randomTensors(
  Object.fromEntries([
    ['backbone.embedding.weight', [7, D]],
    ['lm_head.weight', [7, D]],
    ['backbone.norm_f.weight', [D]],
    ...Array.from({ length: LAYERS }, (_, i) => [
      [`backbone.layers.${i}.norm.weight`, [D]],
      [`backbone.layers.${i}.mixer.in_proj.weight`, [4 * D, D]],
      [`backbone.layers.${i}.mixer.conv1d.weight`, [2 * D, 1, 4]],
      [`backbone.layers.${i}.mixer.conv1d.bias`, [2 * D]],
      [`backbone.layers.${i}.mixer.x_proj.weight`, [1 + 2 * STATES, 2 * D]],
      [`backbone.layers.${i}.mixer.dt_proj.weight`, [2 * D, 1]],
      [`backbone.layers.${i}.mixer.dt_proj.bias`, [2 * D]],
      [`backbone.layers.${i}.mixer.A_log`, [2 * D, STATES]],
      [`backbone.layers.${i}.mixer.D`, [2 * D]],
      [`backbone.layers.${i}.mixer.out_proj.weight`, [D, 2 * D]],
    ]).flat(),
  ]) as Record<string, number[]>,
)

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

/** GPT-2 by its own names, in TF.js: last hidden state after `rows` (T,D) at the given positions. */
function gpt2Forward(file: Readonly<Record<string, Tensor>>, ids: readonly number[], from: number): TfTensor {
  const w = (name: string): TfTensor => tf.tensor(file[name]!.data as Float32Array, [...file[name]!.dims])
  const norm = (x: TfTensor, name: string): TfTensor => {
    const { mean, variance } = tf.moments(x, -1, true)
    const normed = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)))
    return tf.add(tf.mul(normed, w(`${name}.weight`)), w(`${name}.bias`))
  }
  const conv1d = (x: TfTensor, name: string): TfTensor => tf.add(tf.matMul(x, w(`${name}.weight`)), w(`${name}.bias`))
  const future = tf.sub(1, tf.linalg.bandPart(tf.ones([ids.length, ids.length]) as never, -1, 0))
  let x = tf.add(tf.gather(w('wte.weight'), [...ids]), tf.slice(w('wpe.weight'), [from, 0], [ids.length, D]))
  for (let i = 0; i < LAYERS; i++) {
    const [q, k, v] = tf.split(conv1d(norm(x, `h.${i}.ln_1`), `h.${i}.attn.c_attn`), 3, 1) as [
      TfTensor,
      TfTensor,
      TfTensor,
    ]
    const heads = [0, 1].map((h) => {
      const part = (t: TfTensor): TfTensor => tf.slice(t, [0, (h * D) / 2], [ids.length, D / 2])
      const scores = tf.div(tf.matMul(part(q), part(k), false, true), Math.sqrt(D / 2))
      return tf.matMul(tf.softmax(tf.sub(scores, tf.mul(future, 1e9))), part(v))
    })
    x = tf.add(x, conv1d(tf.concat(heads, 1), `h.${i}.attn.c_proj`))
    const inner = conv1d(norm(x, `h.${i}.ln_2`), `h.${i}.mlp.c_fc`)
    const cube = tf.mul(tf.add(inner, tf.mul(tf.pow(inner, 3), 0.044715)), Math.sqrt(2 / Math.PI))
    x = tf.add(x, conv1d(tf.mul(tf.mul(inner, 0.5), tf.add(tf.tanh(cube), 1)), `h.${i}.mlp.c_proj`))
  }
  return tf.matMul(norm(x, 'ln_f'), w('wte.weight'), false, true)
}

describe('GPT-2', () => {
  test('in a window without outputs gives the logits of GPT-2 itself', () => {
    const { weights } = importWeights(gpt2, gpt2File, model.params)
    const whole = new Map([...randomWeights(model), ...weights])
    const ids = randomIds(VOCAB, 4, 1)
    const got = eagerRun(tf, model, whole, [ids]).logits
    // Positions of a window are counted from its front: the last of four tokens is at 8, after places that are masked
    const expected = gpt2Forward(gpt2File, ids, 9 - 4)
      .dataSync()
      .slice(-VOCAB) as Float32Array
    expectClose(got.slice(-VOCAB), expected, { absolute: 1e-4, relative: 1e-4, what: 'logits of the last token' })
  })

  test('names with a prefix are found, and what the model has no place for is listed', () => {
    const prefixed = Object.fromEntries(Object.entries(gpt2File).map(([name, t]) => [`transformer.${name}`, t]))
    const { weights, unused } = importWeights(gpt2, prefixed, model.params)
    expectSameBits(weights.get('blocks.1.down')!, gpt2File['h.1.mlp.c_proj.weight']!.data)
    expect(weights.get('positions')!.length).toBe(9 * D)
    expect(unused).toContain('transformer.h.2.ln_1.weight')
    expect(unused).toContain('transformer.h.0.attn.bias')
  })

  test.each<[string, Record<string, Tensor>, RegExp]>([
    [
      'lacks a tensor',
      without(gpt2File, 'h.1.ln_2.bias'),
      /^GPT-2: expected a tensor h\.1\.ln_2\.bias, the file has none$/,
    ],
    [
      'has another vocabulary',
      { ...gpt2File, 'wte.weight': createTensor('float32', [9, D]) },
      /^GPT-2: wte\.weight: expected \[260, 16\], got \[9, 16\]$/,
    ],
    [
      'has fewer positions than a window',
      { ...gpt2File, 'wpe.weight': createTensor('float32', [8, D]) },
      /^GPT-2: wpe\.weight: expected \[9, 16\], got \[8, 16\]$/,
    ],
    [
      'has another kind of numbers',
      { ...gpt2File, 'ln_f.bias': createTensor('float16', [D]) },
      /^GPT-2: ln_f\.bias: expected float32, got float16$/,
    ],
  ])('a file that %s is refused', (_, file, message) => {
    expect(() => importWeights(gpt2, file, model.params)).toThrow(message)
  })

  test('a model without learned positions is refused', () => {
    const sliding = createModel('smt', { ...options, mode: 'sliding' })
    expect(() => importWeights(gpt2, gpt2File, sliding.params)).toThrow(ImportError)
    expect(() => importWeights(gpt2, gpt2File, sliding.params)).toThrow(/parameters positions/)
  })
})

describe('Mamba', () => {
  const { weights, unused } = importWeights(mamba, mambaFile, model.params)

  test('matrices turn, convolutions become taps, vectors stay', () => {
    const theirs = (name: string) => mambaFile[`backbone.layers.1.mixer.${name}`]!.data as Float32Array
    const ours = (name: string) => weights.get(`ssm.layers.1.mixer.${name}`)!
    expect(ours('inProj')[3 * 4 * D + 5]).toBe(theirs('in_proj.weight')[5 * D + 3])
    expect(ours('xProj')[7 * (1 + 2 * STATES) + 2]).toBe(theirs('x_proj.weight')[2 * 2 * D + 7])
    expect(ours('conv')[1 * 2 * D + 9]).toBe(theirs('conv1d.weight')[9 * 4 + 1])
    for (const [name, other] of [
      ['ALog', 'A_log'],
      ['D', 'D'],
      ['dtBias', 'dt_proj.bias'],
    ] as const)
      expectSameBits(ours(name), theirs(other), name)
  })

  test('fills the whole stack, and leaves embedding and head alone', () => {
    expect(weights.size).toBe(1 + LAYERS * 10)
    expect(unused).toEqual(['backbone.embedding.weight', 'lm_head.weight'])
  })
})

test('a run that is told so starts from both files, and says what it took', async () => {
  const folder = temporaryFolder()
  const write = (name: string, tensors: Record<string, Tensor>): string => {
    const path = join(folder, name)
    writeFileSync(path, Buffer.concat(encodeSafetensors(tensors)))
    return path
  }
  const text = join(folder, 'text.txt')
  writeFileSync(text, 'words and words '.repeat(40))
  const small = Object.entries({ ...options, ssmLayers: LAYERS, ssmStates: STATES })
    .filter(([name]) => name !== 'vocab')
    .map(([name, value]) => `model.${name}=${value}`)
  const recipe = recipeWith('smt-seed', [
    ...small,
    `data.files=["${text}"]`,
    'batch=2',
    'sequenceLength=8',
    `start.gpt2=${write('gpt2.safetensors', gpt2File)}`,
    `start.mamba=${write('mamba.safetensors', mambaFile)}`,
  ])
  const prepared = await prepare(recipe, {
    out: join(folder, 'run'),
    resume: false,
    backend: 'compiled',
    devices: [{ device: 'cpu', id: 0 }],
    threads: 1,
    report: () => {},
  })
  const held = prepared.backend.read()
  const written = (await readSafetensors(join(folder, 'gpt2.safetensors'))).tensors
  expectSameBits(held.get('param.blocks.0.qkv')!.data, written['h.0.attn.c_attn.weight']!.data)
  expectSameBits(held.get('param.ssm.norm')!.data, mambaFile['backbone.norm_f.weight']!.data)
  expect(prepared.notes).toEqual([
    expect.stringMatching(/^held-out data fills 4 of 8 batches/),
    expect.stringMatching(/^GPT-2 from .*gpt2\.safetensors: 28 tensors, 15 not used \(.*\)$/),
    expect.stringMatching(/^Mamba from .*mamba\.safetensors: 21 tensors, 2 not used \(.*\)$/),
  ])
  prepared.backend.close()
})

function without(tensors: Readonly<Record<string, Tensor>>, name: string): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).filter(([key]) => key !== name))
}
