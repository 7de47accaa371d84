/**
 * A published ONNX model: the file of its decoder, and what the files beside it say. Folders of transformers.js have
 * config.json and onnx/model.onnx (onnx/model_q4.onnx ...); those of onnxruntime-genai have genai_config.json and the file
 * that it names.
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SourceError, type TokenizerContents } from '../sources/contract.ts'
import { readFolderTokenizer } from '../sources/folder-tokenizer.ts'
import { readJsonObjectIfThere } from '../sources/json.ts'
import type { PortHints } from './decoder-ports.ts'
import { chooseGraph, decoderFiles } from './graph-file.ts'
import { genaiHints, publishedHints } from './port-hints.ts'

type Json = Readonly<Record<string, unknown>>

export interface OnnxFolder {
  /** The graph's file. */
  readonly file: string
  readonly about: string
  readonly architecture: string
  readonly config: Json
  readonly generation: Json
  readonly tokenizer: TokenizerContents | null
  readonly hints: PortHints
  /** Tokens of a sequence that the model was made for. */
  readonly maxTokens: number | null
}

/** Whether `path` is a graph's file, or a folder of a model that has a graph and no safetensors. */
export async function isOnnxSource(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isFile()) return path.endsWith('.onnx')
  if (!info) return false
  const names = await readdir(path)
  if (names.some((name) => name === 'model.safetensors' || name === 'model.safetensors.index.json')) return false
  return names.includes('genai_config.json') || decoderFiles(await filesOf(path)).length > 0
}

/** Reads what stands beside a graph. Throws SourceError. */
export async function openOnnxFolder(path: string): Promise<OnnxFolder> {
  const given = resolve(path)
  const inFile = (await stat(given)).isFile()
  const beside = inFile ? dirname(given) : given
  // Graphs of transformers.js stand in a folder of their own, below that of the model.
  const folder = inFile && basename(beside) === 'onnx' ? dirname(beside) : beside
  const genai = await readJsonObjectIfThere(join(beside, 'genai_config.json'))
  const config = (await readJsonObjectIfThere(join(folder, 'config.json'))) ?? {}
  if (!genai && Object.keys(config).length === 0)
    throw new SourceError(`${folder}: expected config.json or genai_config.json beside the graph, got neither`)
  const generation = (await readJsonObjectIfThere(join(folder, 'generation_config.json'))) ?? {}
  const model = objectOf(genai?.['model'])
  const file = inFile ? given : join(folder, chooseGraph(folder, await filesOf(folder), model))
  const asked = { ...generation, ...eosOf(model), ...samplingOf(objectOf(genai?.['search'])) }
  const text = { ...config, ...objectOf(config['text_config']) }
  const maxTokens = firstCount(model['context_length'], text['max_position_embeddings'], text['n_positions'])
  const named = [model['type'], text['model_type']].find((name): name is string => typeof name === 'string')
  const architecture = named ?? 'onnx'
  return {
    file,
    about: `${basename(folder)}/${basename(file)} (${architecture}, ${genai ? 'onnxruntime-genai' : 'transformers.js'})`,
    architecture,
    config: genai ? { ...config, genai: model } : config,
    generation: asked,
    tokenizer: await readFolderTokenizer(folder, config, asked),
    hints: genai ? genaiHints(model, text) : publishedHints(text),
    maxTokens: maxTokens ?? null,
  }
}

/** Paths in the folder and in its folder `onnx`. */
async function filesOf(folder: string): Promise<string[]> {
  const inside = await readdir(join(folder, 'onnx')).catch(() => [])
  return [...(await readdir(folder)), ...inside.map((name) => `onnx/${name}`)]
}

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

const firstCount = (...values: readonly unknown[]): number | undefined =>
  values.find((value): value is number => Number.isSafeInteger(value) && Number(value) > 0)

const eosOf = ({ eos_token_id: eos, bos_token_id: bos }: Json): Json => ({
  ...(eos === undefined ? {} : { eos_token_id: eos }),
  ...(bos === undefined ? {} : { bos_token_id: bos }),
})

/** What genai_config.json says of sampling, as generation_config.json would. */
const samplingOf = (search: Json): Json =>
  Object.fromEntries(
    ['do_sample', 'temperature', 'top_p'].flatMap((name) =>
      search[name] === undefined ? [] : [[name, search[name]] as const],
    ),
  )
