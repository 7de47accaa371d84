/** Which file of an ONNX model is imported, and which files it needs. */
import { SourceError } from '../sources/contract.ts'

type Json = Readonly<Record<string, unknown>>

/** File names of decoders in the conventions of transformers.js: with a suffix for the numbers of the weights. */
const DECODER = /^(?:onnx\/)?(?:model|decoder_model_merged)(?:_[a-z0-9]+)?\.onnx$/

/** What a file of weights has behind the graph's name: _data, _data_1 (transformers.js), .data (onnxruntime-genai). */
const DATA = /^[._]data(?:_\d+)?$/

/** The one of them whose weights are in float32. */
const SINGLE_PRECISION = /(?:^|\/)(?:model|decoder_model_merged)\.onnx$/

/** Paths that may be a decoder's graph. */
export const decoderFiles = (paths: readonly string[]): string[] => paths.filter((path) => DECODER.test(path))

/** Of several graphs the one in float32, or the only one. */
export const singleGraph = (graphs: readonly string[]): string | undefined =>
  graphs.find((path) => SINGLE_PRECISION.test(path)) ?? (graphs.length === 1 ? graphs[0] : undefined)

/**
 * The graph of a model: what genai_config.json names, the one in float32, or the only one. `where` begins the sentence of
 * a SourceError.
 */
export function chooseGraph(where: string, paths: readonly string[], genaiModel: Json): string {
  const decoder = genaiModel['decoder'] as Json | undefined
  if (decoder) return namedByGenai(where, paths, decoder)
  const found = decoderFiles(paths)
  const wanted = singleGraph(found)
  if (wanted !== undefined) return wanted
  if (found.length === 0) throw new SourceError(`${where}: expected onnx/model.onnx or another decoder, got none`)
  throw new SourceError(`${where}: has ${found.length} graphs; name the file of one: ${found.join(', ')}`)
}

function namedByGenai(where: string, paths: readonly string[], decoder: Json): string {
  const { filename, pipeline } = decoder
  if (Array.isArray(pipeline) && pipeline.length > 0)
    throw new SourceError(`${where}: genai_config.json: decoder.pipeline: expected one graph, got a chain of several`)
  if (typeof filename !== 'string' || !paths.includes(filename))
    throw new SourceError(
      `${where}: genai_config.json: decoder.filename: expected a file beside it, got ${JSON.stringify(filename)}`,
    )
  return filename
}

/** Where the embedding of a decoder stands that reads vectors in the place of token ids. */
export const embeddingOf = (graph: string): string =>
  graph.replace(/(?:decoder_model_merged|model)((?:_[a-z0-9]+)?\.onnx)$/, 'embed_tokens$1')

/** Paths of all that a graph needs: its embedding, their files of weights, and what stands beside the model. */
export function filesOfGraph(graph: string, all: readonly string[], beside: readonly string[]): string[] {
  const slash = graph.lastIndexOf('/')
  // Graphs of transformers.js stand in a folder of their own, below that of the model.
  const model = graph.slice(0, slash + 1).replace(/(^|\/)onnx\/$/, '$1')
  const graphs = [embeddingOf(graph), graph].filter((path) => path === graph || all.includes(path))
  const weights = all.filter((path) => graphs.some((of) => path.startsWith(of) && DATA.test(path.slice(of.length))))
  const texts = ['genai_config.json', ...beside].map((name) => model + name).filter((path) => all.includes(path))
  return [...texts, ...weights, ...new Set(graphs)]
}
