/** Small bundles with an exit after their second layer, with their first weights and the byte tokenizer. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cutDecoder } from '../../exporter/stages.ts'
import type { Weights } from '../../exporter/weights.ts'
import type { Model } from '../../models/architecture.ts'
import { createModel } from '../../models/registry.ts'
import { parseManifest, type Manifest } from '../../runtime/manifest.ts'
import { writeManifest } from '../../runtime/bundle.ts'
import { initialise } from '../../trainer/backends/initialise.ts'
import { writeModelBundle } from './tiny-bundle.ts'

const common = { vocab: 264, width: 32, heads: 2, hidden: 48, window: 24 }
const exits = { layers: [2] }

/** Options by architecture: attention in a window, a recurrent state, experts, and attention over all tokens. */
export const WITH_EXIT = {
  vanilla: { ...common, layers: 4, exits },
  delta: { ...common, layers: 'adad', memoryHeads: 2, keys: 8, values: 8, exits },
  hmst: { ...common, layers: 4, experts: 3, topExperts: 2, exits },
  llama: {
    vocab_size: 264,
    hidden_size: 32,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    intermediate_size: 48,
    max_position_embeddings: 512,
    tie_word_embeddings: true,
    exits,
  },
} as const
export type WithExit = keyof typeof WITH_EXIT

interface ExitBundle {
  /** How often the exit is right, as the manifest says. */
  readonly agreement?: number
  /** Factor of the embeddings, which are the head: from about 30 on the model is sure of what it says. */
  readonly embeddings?: number
}

export async function writeExitBundle(
  folder: string,
  name: WithExit,
  { agreement = 0.5, embeddings = 1 }: ExitBundle = {},
): Promise<string> {
  const model: Model = createModel(name, WITH_EXIT[name])
  const weights = initialise(model.params, 7)
  for (const [path, data] of weights) if (path.startsWith('embed')) data.set(data.map((x) => embeddings * x))
  return writeBundleWithExit(folder, model, name, weights, agreement)
}

/** Writes the bundle of a model, cut at its first exit. */
export async function writeBundleWithExit(
  folder: string,
  model: Model,
  name: string,
  weights: Weights,
  agreement: number,
): Promise<string> {
  await writeModelBundle(folder, model, name, {}, weights)
  const { after, early } = cutDecoder(model, 0, weights, 'fused')!
  await writeFile(join(folder, 'early.onnx'), early.bytes)
  const { files: _, ...written } = parseManifest(await readFile(join(folder, 'manifest.json'), 'utf8'), folder)
  const graph: Manifest['graphs'][string] = {
    file: 'early.onnx',
    kernels: 'fused',
    inputs: early.inputs.map((port) => ({
      ...port,
      ...(port.name === 'logits_from' ? { optional: true as const } : {}),
    })),
    outputs: [...early.outputs],
  }
  await writeManifest(folder, {
    ...written,
    graphs: { ...written.graphs, early: graph },
    early: { after, state: early.state.map(({ name: entry }) => entry), agreement },
  })
  return folder
}
