/** A small bundle of a sentence encoder with its first weights and the byte tokenizer. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encoderOps, traceEmbedder } from '../../exporter/embedder.ts'
import { GraphBuilder } from '../../exporter/onnx/graph.ts'
import { bert } from '../../models/families/bert.ts'
import { countParameters, fill } from '../../models/spec.ts'
import { writeManifest } from '../../runtime/bundle.ts'
import { initialise } from '../../trainer/backends/initialise.ts'
import { byteTokenizer } from './byte-tokenizer.ts'

/** Numbers of a vector, and tokens of the longest text. */
export const TINY_EMBEDDER = { width: 16, maxTokens: 64 } as const

/** Writes it into `folder`; a token is a byte. */
export async function writeTinyEmbedder(folder: string, name = 'tiny-embedder', seed = 7): Promise<string> {
  const { width, maxTokens } = TINY_EMBEDDER
  const model = bert.model({
    vocab_size: 260,
    hidden_size: width,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 24,
    max_position_embeddings: maxTokens,
  })
  const graph = new GraphBuilder()
  const weights = initialise(model.params, seed)
  const params = fill(model.params, (path, spec) =>
    graph.initializer(path, 'float32', spec.shape.map(Number), weights.get(path)!),
  )
  const vector = { pooling: 'mean', normalize: true } as const
  const { inputs, outputs, encode } = traceEmbedder(graph, encoderOps({ at: graph }), model, params, vector)
  const { tokenizer, config } = byteTokenizer()
  await writeFile(join(folder, 'embedder.onnx'), encode())
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name,
    architecture: model.architecture,
    config: { ...model.config },
    parameters: countParameters(model.params),
    graphs: { embedder: { file: 'embedder.onnx', kernels: 'fused', inputs: [...inputs], outputs: [...outputs] } },
    embedder: { ...vector, width, maxTokens },
    state: [],
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: 260, eos: [] },
    generation: {},
    verification: {},
    source: {},
  })
  return folder
}
