/**
 * Decoders of models for images read vectors, `inputs_embeds`: the table of the tokens' vectors is a graph of its own, which
 * transformers.js publishes as embed_tokens.onnx (embed_tokens_q4.onnx ...) beside decoder_model_merged.onnx. For text both
 * are served as one graph.
 */
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FileNode, ModelFile } from '../../onnx/model-file.ts'
import { ImportError } from '../import-error.ts'
import { embeddingOf } from './graph-file.ts'
import { readGraph } from './read-graph.ts'

const EMBEDS = 'inputs_embeds'
/** TensorProto.DataType. */
const DTYPES: Readonly<Record<number, 'float32' | 'float16'>> = { 1: 'float32', 10: 'float16' }
const MODEL_FUNCTION = 25

/** The graph that makes a decoder's vectors of token ids. */
export interface Embedding {
  readonly model: ModelFile
  readonly output: string
  readonly dtype: 'float32' | 'float16'
  readonly width: number
}

export interface WholeDecoder {
  /** From token ids to logits: nodes and weights of both graphs, the rest is the decoder's. */
  readonly model: ModelFile
  /** Undefined where the decoder reads token ids itself. */
  readonly embedding: Embedding | undefined
}

/** The decoder with the embedding that it needs. Throws ImportError or SourceError, by name, where the two do not fit. */
export async function withEmbedding(decoder: ModelFile, ids: string): Promise<WholeDecoder> {
  const names = decoder.inputs.map(({ name }) => name)
  if (names.includes(ids) || !names.includes(EMBEDS)) return { model: decoder, embedding: undefined }
  const path = join(dirname(decoder.path), embeddingOf(basename(decoder.path)))
  const there = await stat(path).catch(() => undefined)
  if (!there?.isFile())
    throw new ImportError(
      `${decoder.path}: ${EMBEDS}: expected ${basename(path)} beside it, which makes them of token ids, found none`,
    )
  const embedding = fitting(await readGraph(path), decoder, ids)
  return { model: together(embedding.model, decoder), embedding }
}

function fitting(model: ModelFile, decoder: ModelFile, ids: string): Embedding {
  const wrong = (sentence: string): ImportError => new ImportError(`${model.path}: ${sentence}`)
  const inputs = model.inputs.filter(({ name }) => !model.initializers.has(name)).map(({ name }) => name)
  if (inputs.join() !== ids) throw wrong(`expected the input ${ids} alone, got ${inputs.join(', ') || 'none'}`)
  const outputs = model.outputs.map(({ name }) => name)
  if (outputs.join() !== EMBEDS) throw wrong(`expected the output ${EMBEDS} alone, got ${outputs.join(', ') || 'none'}`)
  const [made, read] = [model.outputs[0]!, decoder.inputs.find(({ name }) => name === EMBEDS)!]
  const dtype = DTYPES[made.type]
  if (dtype === undefined || made.type !== read.type)
    throw wrong(
      `${EMBEDS}: expected float32 or float16, the same as the decoder reads, got types ${made.type} and ${read.type}`,
    )
  const width = [made.shape.at(-1), read.shape.at(-1)].find((size) => typeof size === 'number')
  if (width === undefined) throw wrong(`${EMBEDS}: expected a known width, here or in the decoder, got none`)
  if (model.opset !== decoder.opset)
    throw wrong(`expected opset ${decoder.opset}, which the decoder has, got ${model.opset}`)
  if (model.fields.some(({ number }) => number === MODEL_FUNCTION))
    throw wrong('expected no functions of its own, got some')
  const domains = new Set([...decoder.nodes, ...decoder.innerNodes].map(({ domain }) => domain))
  const foreign = model.nodes.find(({ domain }) => domain !== '' && domain !== 'ai.onnx' && !domains.has(domain))
  if (foreign) throw wrong(`${foreign.type}: expected a domain that the decoder has too, got ${foreign.domain}`)
  const taken = new Set([...madeBy(decoder), ...decoder.inputs.map(({ name }) => name)])
  const twice = madeBy(model).find((name) => name !== EMBEDS && taken.has(name))
  if (twice !== undefined) throw wrong(`${twice}: expected a name that the decoder does not have too`)
  return { model, output: EMBEDS, dtype, width }
}

const madeBy = ({ nodes, initializers }: ModelFile): string[] => [
  ...nodes.flatMap(({ outputs }: FileNode) => outputs.filter((name) => name !== '')),
  ...initializers.keys(),
]

function together(embedding: ModelFile, decoder: ModelFile): ModelFile {
  return {
    ...decoder,
    inputs: [...embedding.inputs, ...decoder.inputs.filter(({ name }) => name !== EMBEDS)],
    nodes: [...embedding.nodes, ...decoder.nodes],
    innerNodes: [...embedding.innerNodes, ...decoder.innerNodes],
    initializers: new Map([...embedding.initializers, ...decoder.initializers]),
    external: [...embedding.external, ...decoder.external],
  }
}
