import { beforeAll, describe, expect, test } from 'vitest'
import type { Model } from '../../../models/architecture.ts'
import { createModel } from '../../../models/registry.ts'
import { flatten, frozenPaths } from '../../../models/spec.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { loadTensorFlow, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { eagerRun, randomIds, randomWeights } from '../../support/decoders.ts'

const common = { vocab: 23, width: 16, heads: 2, hidden: 24, window: 6 }
const bases: [base: string, baseConfig: Record<string, unknown>][] = [
  ['vanilla', { ...common, layers: 2 }],
  ['delta', { ...common, layers: 'ad', memoryHeads: 2, keys: 8, values: 4 }],
  ['rsm', { vocab: 23, width: 16, heads: 2, layers: 2, slots: 3, chunk: 5 }],
  ['moc', { ...common, layers: 2, rows: 12, memoryHeads: 2 }],
  ['nmt', { ...common, layers: 2, memoryWidth: 8, chunk: 5 }],
]
const added = { vocab: 23, rows: 12, memoryHeads: 2, loraRank: 2 }
const adapter = (base: string, baseConfig: Record<string, unknown>, more: Record<string, unknown> = {}): Model =>
  createModel('adapter', { ...added, base, baseConfig, adapters: 'both', ...more })
const ids = randomIds(23, 14, 1)

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

/** The base's own weights out of an adapter's. */
const inner = (weights: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> =>
  new Map([...weights].flatMap(([path, data]) => (path.startsWith('base.') ? [[path.slice(5), data]] : [])))

describe.each(bases)('an adapter of %s', (base, baseConfig) => {
  const plain = createModel(base, baseConfig)

  test('holds the base behind `base.`, frozen, and carries its state', () => {
    const model = adapter(base, baseConfig)
    const paths = flatten(model.params).map(([path]) => path)
    expect(paths.filter((path) => path.startsWith('base.'))).toEqual(
      flatten(plain.params).map(([path]) => `base.${path}`),
    )
    expect([...frozenPaths(model.params)]).toEqual(paths.filter((path) => path.startsWith('base.')))
    expect(frozenPaths(adapter(base, baseConfig, { frozen: false }).params).size).toBe(0)
    expect(flatten(model.state)).toEqual(flatten(plain.state))
  })

  test.each(['memory', 'lora', 'both'])('starts as the base itself, bit for bit: %s', (adapters) => {
    const model = adapter(base, baseConfig, { adapters })
    const weights = initialise(model.params, 5)
    const expected = eagerRun(tf, plain, inner(weights), [ids]).logits
    expectSameBits(eagerRun(tf, model, weights, [ids]).logits, expected, 'logits')
    const moved = randomWeights(model)
    for (const [path, data] of inner(weights)) moved.set(`base.${path}`, data)
    expect(eagerRun(tf, model, moved, [ids]).logits).not.toEqual(expected)
  })
})

test('low-rank additions are W + (alpha / r) A B in the place of W', () => {
  const [base, config] = bases[0]!
  const model = adapter(base, config, { adapters: 'lora', loraAlpha: 6, loraTargets: 'qkv$' })
  const weights = randomWeights(model)
  const merged = inner(weights)
  for (const layer of [0, 1]) {
    const path = `blocks.${layer}.attention.qkv`
    const [a, b] = ['down', 'up'].map((side) => weights.get(`lora.${path}.${side}`)!) as [Float32Array, Float32Array]
    const sum = merged.get(path)!.map((w, i) => {
      const [row, column] = [Math.floor(i / 48), i % 48]
      return w + 3 * (a[2 * row]! * b[column]! + a[2 * row + 1]! * b[48 + column]!)
    })
    merged.set(path, sum)
  }
  expectClose(
    eagerRun(tf, model, weights, [ids]).logits,
    eagerRun(tf, createModel(base, config), merged, [ids]).logits,
    { absolute: 1e-5, relative: 1e-4 },
  )
})

test('on a family low-rank additions are products of what a layer reads, and come to the same', () => {
  const config = {
    vocab_size: 23,
    hidden_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 24,
  }
  const model = adapter('llama', config, { adapters: 'lora', loraAlpha: 6, loraTargets: '(q_proj|lm_head)\\.weight$' })
  const weights = randomWeights(model)
  const merged = inner(weights)
  const targets = ['layers.0.mixer.q_proj.weight', 'layers.1.mixer.q_proj.weight', 'lm_head.weight']
  for (const path of targets) {
    const [down, up] = ['down', 'up'].map((side) => weights.get(`lora.${path}.${side}`)!) as [
      Float32Array,
      Float32Array,
    ]
    const sum = merged.get(path)!.map((w, i) => {
      const [row, column] = [Math.floor(i / 16), i % 16]
      return w + 3 * (up[2 * row]! * down[column]! + up[2 * row + 1]! * down[16 + column]!)
    })
    merged.set(path, sum)
  }
  const [got, expected] = [
    eagerRun(tf, model, weights, [ids]).logits,
    eagerRun(tf, createModel('llama', config), merged, [ids]).logits,
  ]
  expectClose(got, expected, { absolute: 1e-5, relative: 1e-4 })
  expect(got).not.toEqual(eagerRun(tf, createModel('llama', config), inner(weights), [ids]).logits)
})

test('on a family a matrix that no layer multiplies with is refused, before it would never be trained', () => {
  const config = {
    vocab_size: 23,
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 24,
  }
  const model = adapter('llama', config, { adapters: 'lora', loraTargets: '(q_proj|embed_tokens)\\.weight$' })
  expect(() => eagerRun(tf, model, randomWeights(model), [ids])).toThrow(
    'adapter.loraTargets: expected matrices that a layer multiplies with, got embed_tokens.weight',
  )
  expect(() => adapter('mamba', { vocab_size: 23, hidden_size: 16 }, { adapters: 'lora' })).toThrow(
    'adapter.loraTargets: expected an expression for some of embed_tokens.weight',
  )
})

test('memory layers stand after the layers that are named', () => {
  const paths = (more: Record<string, unknown>): string[] =>
    flatten(adapter('vanilla', { ...common, layers: 3 }, { adapters: 'memory', ...more }).params).map(([path]) => path)
  expect(paths({ placement: 'custom', placementLayers: [2] }).filter((path) => path.endsWith('query.weight'))).toEqual([
    'memory.0.query.weight',
  ])
  expect(paths({ sharing: 'per_layer' }).filter((path) => path.startsWith('banks.'))).toHaveLength(3)
})

test('what cannot be adapted is refused, with the field and what it may be', () => {
  const [base, config] = bases[0]!
  const cases: [Record<string, unknown>, string | RegExp][] = [
    [{ base: 'gpt' }, /adapter.base: expected one of vanilla, rsm, .*, got gpt/],
    [{ base: 'adapter' }, /adapter.base: expected one of/],
    [{ baseConfig: { ...config, heads: 3 } }, 'vanilla.heads: 3 heads do not split width 16'],
    [{ baseConfig: [1] }, 'adapter.baseConfig: expected an object, got [1]'],
    [{ loraRank: 0 }, 'adapter.loraRank: expected a whole number from 1'],
    [{ loraRank: 17 }, 'adapter.loraRank: expected at most 16 (the smaller side of blocks.0.attention.qkv), got 17'],
    [
      { loraTargets: 'q_proj' },
      'adapter.loraTargets: expected an expression for some of embed, blocks.0.attention.qkv',
    ],
    [{ loraTargets: '(' }, 'adapter.loraTargets: Invalid regular expression'],
    [{ adapters: 'prefix' }, 'adapter.adapters: expected one of memory, lora, both'],
    [{ memoryHeads: 3 }, 'adapter.memoryHeads: expected a divisor of 16 (width), got 3'],
    [{ placement: 'none' }, 'adapter.placement: expected layers for the memory, got none'],
    [{ chapters: 4, topChapters: 2, routing: 'rolling' }, 'adapter.routing: expected token'],
  ]
  for (const [more, message] of cases) expect(() => adapter(base, config, more)).toThrow(message)
  const windows = { vocab: 23, width: 16, heads: 2, layers: 2, outputs: 3, tokens: 6, stride: 4, keys: 8 }
  expect(() => adapter('smt', windows)).toThrow('this smt has no layers after which a memory could be read')
  expect(adapter('smt', windows, { adapters: 'lora' }).architecture).toBe('adapter')
})
