/** Exports an encoder of sentences that was trained here: a bundle with an embedder. */
import { traceEmbedder } from '../../exporter/embedder.ts'
import type { Imported } from '../../exporter/import/import-options.ts'
import type { TensorSource } from '../../exporter/import/sources/contract.ts'
import type { Quantization } from '../../exporter/import/weight-formats.ts'
import { writeEncoderBundle } from '../../exporter/import/write-encoder.ts'
import { checkWeights } from '../../exporter/weights.ts'
import { encoderOptions } from '../../models/architectures/sentence.ts'
import { sentenceEncoder } from '../../models/architectures/sentence-encoder.ts'
import { flatten } from '../../models/spec.ts'
import { bundleFolder } from '../../runtime/bundle.ts'
import { openVectorGraph } from '../../runtime/embedder.ts'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { readTokenizerFiles } from '../../runtime/tokenizer-files.ts'
import type { Trained } from './weights.ts'

export interface EmbedderExport {
  readonly out: string
  readonly name: string
  readonly quantization: Quantization
  /** The cosine from which on a memory is read for a message; that of the server without. */
  readonly leastSimilarity?: number | undefined
}

const VECTOR = { pooling: 'mean', normalize: true } as const

/** Writes the bundle. Throws ImportError where its graph does not run as it should. */
export function exportEmbedder(
  { model, weights, folder, step, config }: Trained,
  o: EmbedderExport,
): Promise<Imported> {
  checkWeights(model, weights)
  const encoder = sentenceEncoder.model(encoderOptions(model.config))
  const { width, maxTokens } = encoder
  const least = o.leastSimilarity === undefined ? {} : { leastSimilarity: o.leastSimilarity }
  const about = `recipe ${config['name'] as string}, step ${step}, seed ${config['seed'] as number}`
  const tensors = tensorsOf(encoder, weights)
  const tokenizer = readTokenizerFiles(folder)
  const source = { about, config: {}, generation: {}, tensors, tokenizer }
  return replaceFolder(o.out, bundleFolder, (to) =>
    writeEncoderBundle({ source: folder, out: o.out, name: o.name, quantization: o.quantization }, to, {
      source,
      model: encoder,
      tokenizer,
      bindings: new Map(tensors.names.map((name) => [name, { kind: 'stacked', names: [name] }])),
      maxTokens,
      file: 'embedder.onnx',
      trace: (graph, op, params) => traceEmbedder(graph, op, encoder, params, VECTOR),
      open: (file) => openVectorGraph(file, width),
      describe: (embedder) => ({ graphs: { embedder }, embedder: { ...VECTOR, width, maxTokens, ...least } }),
    }),
  )
}

/** Weights by path, read as the tensors of a published model are. */
export function tensorsOf({ params }: Pick<Trained['model'], 'params'>, weights: Trained['weights']): TensorSource {
  const shapes = new Map(flatten(params).map(([path, { shape }]) => [path, shape.map(Number)]))
  return {
    names: [...shapes.keys()],
    shape: (name) => shapes.get(name)!,
    read: (name) => Promise.resolve(weights.get(name)!),
    readRows(name, from, to) {
      const [rows = 1] = shapes.get(name)!
      const columns = weights.get(name)!.length / rows
      return Promise.resolve(weights.get(name)!.subarray(from * columns, to * columns))
    },
    blocks: () => Promise.resolve(undefined),
    blockKind: () => null,
    close: () => Promise.resolve(),
  }
}
