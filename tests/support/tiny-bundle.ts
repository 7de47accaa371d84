/** Small bundles with their first weights and the byte tokenizer, of every architecture. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decoderGraph } from '../../exporter/decoder.ts'
import type { Weights } from '../../exporter/weights.ts'
import type { Model } from '../../models/architecture.ts'
import { createModel } from '../../models/registry.ts'
import { writeManifest } from '../../runtime/bundle.ts'
import { byteTokenizer } from './byte-tokenizer.ts'
import { initialise } from '../../trainer/backends/initialise.ts'

const common = { vocab: 264, width: 32, heads: 2, hidden: 48 }

/** Options by architecture. Four logits more than the tokenizer has tokens: models may pad. */
export const TINY = {
  vanilla: { ...common, layers: 2, window: 24 },
  rsm: { vocab: 264, width: 32, heads: 2, layers: 2, slots: 3, chunk: 5, cadence: 2 },
  moc: { ...common, layers: 2, window: 24, rows: 16, memoryHeads: 2, chapters: 4, topChapters: 2, routing: 'rolling' },
  delta: { ...common, layers: 'ad', window: 24, memoryHeads: 2, keys: 8, values: 8 },
  smt: {
    vocab: 264,
    width: 32,
    heads: 2,
    layers: 2,
    outputs: 3,
    tokens: 6,
    stride: 4,
    keys: 8,
    ssmLayers: 1,
    ssmStates: 4,
  },
  nmt: { ...common, layers: 2, window: 24, memoryWidth: 8, chunk: 5 },
  hmst: { ...common, layers: 2, window: 24, experts: 3, topExperts: 2 },
} as const

export type Tiny = keyof typeof TINY

/** Writes a bundle named after its architecture into `folder`. */
export function writeTinyBundle(folder: string, architecture: Tiny): Promise<string> {
  return writeModelBundle(folder, createModel(architecture, TINY[architecture]), architecture, {
    ...TINY[architecture],
  })
}

/** Writes a bundle of a model with its first weights or those that are given, and of 260 tokens, into `folder`. */
export async function writeModelBundle(
  folder: string,
  model: Model,
  name: string,
  options: Record<string, string | number>,
  weights: Weights = initialise(model.params, 7),
): Promise<string> {
  const graph = decoderGraph(model, weights, 'fused')
  const { tokenizer, config } = byteTokenizer()
  await writeFile(join(folder, 'decoder.onnx'), graph.bytes)
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  const inputs = graph.inputs.map((port) => ({
    ...port,
    ...(port.name === 'logits_from' ? { optional: true as const } : {}),
  }))
  await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name,
    architecture: name,
    config: options,
    parameters: 1,
    graphs: { decoder: { file: 'decoder.onnx', kernels: 'fused', inputs, outputs: [...graph.outputs] } },
    state: graph.state.map((entry) => ({ ...entry, shape: [...entry.shape] as ['batch', ...number[]] })),
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: 260, eos: [259] },
    generation: { max_tokens: 16 },
    verification: {},
    source: {},
  })
  return folder
}
