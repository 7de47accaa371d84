/** A small decoder with both kinds of state: keys and values of full attention (append), and a decaying sum (fixed). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GraphBuilder, type Port, type Value } from '../../exporter/onnx/graph.ts'
import { writeManifest } from '../../runtime/bundle.ts'
import type { ManifestInput } from '../../runtime/manifest.ts'
import { byteTokenizer } from './byte-tokenizer.ts'

const [VOCAB, WIDTH, HEADS] = [264, 32, 2]
const HEAD_WIDTH = WIDTH / HEADS

/** Numbers that look random and are the same each time. */
function weights(count: number, seed: number, scale: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state / 2 ** 32 - 0.5) * scale
  })
}

/** Writes the bundle into `folder` and returns it. */
export async function writeAttentionBundle(folder: string): Promise<string> {
  const { bytes, inputs, outputs } = graph()
  const { tokenizer, config } = byteTokenizer()
  await writeFile(join(folder, 'decoder.onnx'), bytes)
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  const append = (name: string): ManifestInput['state'][number] => ({
    name,
    kind: 'append',
    input: `state.${name}`,
    output: `next.${name}`,
    dtype: 'float32',
    shape: ['batch', HEADS, 'time', HEAD_WIDTH],
    inPlace: true,
  })
  await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name: 'attention',
    architecture: 'attention',
    config: {},
    parameters: 1,
    graphs: { decoder: { file: 'decoder.onnx', kernels: 'fused', inputs, outputs } },
    state: [
      append('keys'),
      { ...append('sum'), kind: 'fixed', shape: ['batch', WIDTH], inPlace: false },
      append('values'),
    ],
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: 260, eos: [259] },
    generation: { max_tokens: 16 },
    verification: {},
    source: {},
  })
  return folder
}

function graph(): { bytes: Uint8Array; inputs: Port[]; outputs: Port[] } {
  const g = new GraphBuilder()
  const matrix = (name: string, rows: number, columns: number, seed: number): Value =>
    g.initializer(name, 'float32', [rows, columns], weights(rows * columns, seed, 4 / Math.sqrt(rows)))
  const node = (...args: Parameters<GraphBuilder['node']>): Value => g.node(...args)[0] as Value
  const x = node('Gather', [matrix('embed', VOCAB, WIDTH, 1), { name: 'ids' }])
  const project = (name: string, seed: number): Value => node('MatMul', [x, matrix(name, WIDTH, WIDTH, seed)])
  // seqlens_k: of each row the index of its last valid position; total_sequence_length: of the longest row.
  const time = node('Cast', [node('Shape', [{ name: 'ids' }], { start: { int: 1 }, end: { int: 2 } })], {
    to: { int: 6 },
  })
  const seqlens = node('Sub', [node('Add', [{ name: 'positions' }, time]), g.constant('int32', [1], [1])])
  const total = node('Add', [node('ReduceMax', [seqlens], { keepdims: { int: 0 } }), g.constant('int32', [], [1])])
  const past = [{ name: 'state.keys' }, { name: 'state.values' }]
  const [attended, keys, values] = g.node(
    'GroupQueryAttention',
    [project('q', 2), project('k', 3), project('v', 4), ...past, seqlens, total],
    { num_heads: { int: HEADS }, kv_num_heads: { int: HEADS } },
    3,
    'com.microsoft',
  ) as [Value, Value, Value]
  // A sum over all tokens that decays: sum' = sum / 2 + mean of the call's embeddings.
  const mean = node('ReduceMean', [x, g.constant('int64', [1], [1])], { keepdims: { int: 0 } })
  const sum = node('Add', [node('Mul', [{ name: 'state.sum' }, g.constant('float32', [], [0.5])]), mean])
  const mixed = node('Add', [attended, node('Unsqueeze', [sum, g.constant('int64', [1], [1])])])
  const logits = node('MatMul', [node('Add', [x, mixed]), matrix('head', WIDTH, VOCAB, 5)])
  g.output(logits, 'logits')
  g.output(keys, 'next.keys')
  g.output(values, 'next.values')
  g.output(sum, 'next.sum')
  const cache = ['batch', HEADS, 'time', HEAD_WIDTH]
  const ports = (prefix: string): Port[] => [
    { name: `${prefix}.keys`, dtype: 'float32', shape: cache },
    { name: `${prefix}.sum`, dtype: 'float32', shape: ['batch', WIDTH] },
    { name: `${prefix}.values`, dtype: 'float32', shape: cache },
  ]
  const inputs: Port[] = [
    { name: 'ids', dtype: 'int32', shape: ['batch', 'tokens'] },
    { name: 'positions', dtype: 'int32', shape: ['batch'] },
    ...ports('state'),
  ]
  const outputs: Port[] = [{ name: 'logits', dtype: 'float32', shape: ['batch', 'tokens', VOCAB] }, ...ports('next')]
  return { bytes: g.model('attention', inputs, outputs), inputs, outputs }
}
