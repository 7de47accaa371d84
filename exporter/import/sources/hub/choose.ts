/** Which files of a repository a model needs. */
import { SourceError } from '../contract.ts'
import { isPickle, PICKLE_REASON } from '../pickle.ts'
import { decoderFiles, filesOfGraph, singleGraph } from '../../onnx/graph-file.ts'
import type { HubModelName } from './name.ts'

export const INDEX = 'model.safetensors.index.json'
const SINGLE = 'model.safetensors'
/** What belongs to a model folder beside its weights; none but the first has to be there. */
const BESIDE = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'modules.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
]

export interface Choice {
  /** The one file that is the model; undefined: the folder is. */
  readonly file?: string
  /** What is needed, but for the shards that an index names. */
  readonly paths: readonly string[]
}

/** Throws SourceError where the repository has no model that can be read, or several. */
export function chooseFiles(name: HubModelName, all: readonly string[]): Choice {
  if (name.file !== undefined) return chooseFile(name, name.file, all)
  const weights = [SINGLE, INDEX].find((file) => all.includes(file))
  if (weights !== undefined && all.includes('config.json')) {
    const templates = all.filter((path) => /^additional_chat_templates\/[^/]+\.jinja$/.test(path))
    const pooling = all.filter((path) => /^[^/]+_Pooling\/config\.json$/.test(path))
    return { paths: [...BESIDE.filter((file) => all.includes(file)), ...templates, ...pooling, weights] }
  }
  const files = all.filter(isFirstGguf)
  if (files.length === 1) return chooseFile(name, files[0]!, all)
  if (files.length > 1)
    throw new SourceError(
      `${name.text}: has ${files.length} GGUF files; add one of them after a colon: ${files.join(', ')}`,
    )
  const graphs = decoderFiles(all)
  const graph = singleGraph(graphs)
  if (graph !== undefined) return chooseFile(name, graph, all)
  if (graphs.length > 1)
    throw new SourceError(
      `${name.text}: has ${graphs.length} ONNX graphs; add one of them after a colon: ${graphs.join(', ')}`,
    )
  const pickled = all.find(isPickle)
  if (pickled !== undefined)
    throw new SourceError(
      `${name.text}: has its weights as ${pickled}, which ${PICKLE_REASON}; expected safetensors, GGUF or ONNX`,
    )
  throw new SourceError(
    `${name.text}: expected config.json with ${SINGLE} or ${INDEX}, a .gguf file or onnx/model.onnx, found none of them`,
  )
}

/** The shards that the index of a model names, in the folder of the index. Throws SourceError. */
export function shardsOf(name: HubModelName, index: Readonly<Record<string, unknown>>): string[] {
  const map = index['weight_map']
  const files =
    typeof map === 'object' && map !== null ? [...new Set(Object.values(map as Record<string, unknown>))] : []
  const odd = files.find((file) => typeof file !== 'string' || !/^(?!.*\.\.)[^/\\][^\\]*\.safetensors$/.test(file))
  if (files.length === 0 || odd !== undefined)
    throw new SourceError(`${name.text}: ${INDEX}: expected names of .safetensors files, got ${JSON.stringify(odd)}`)
  return files as string[]
}

function chooseFile(name: HubModelName, file: string, all: readonly string[]): Choice {
  const kind = ['.gguf', '.onnx'].find((end) => file.endsWith(end))
  if (kind === undefined)
    throw new SourceError(`${name.text}: expected a .gguf or .onnx file after the colon, got ${file}`)
  if (!all.includes(file)) {
    const known = all.filter((path) => isFirstGguf(path) || path.endsWith('.onnx'))
    const instead = known.length === 0 ? `no ${kind} file` : known.join(', ')
    throw new SourceError(`${name.text}: has no file ${file}; it has ${instead}`)
  }
  if (kind === '.onnx') return { file, paths: filesOfGraph(file, all, BESIDE) }
  const split = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(file)
  if (!split) return { file, paths: [file] }
  const part = (index: number): string => `${split[1]}-${String(index + 1).padStart(5, '0')}-of-${split[2]}.gguf`
  return { file, paths: Array.from({ length: Math.min(Number(split[2]), all.length) }, (_, index) => part(index)) }
}

/** Of a model that is split, the first file; none of those that hold a vision tower beside the model. */
function isFirstGguf(path: string): boolean {
  if (!path.endsWith('.gguf') || /(?:^|\/)mmproj/i.test(path)) return false
  const part = /-(\d{5})-of-\d{5}\.gguf$/.exec(path)?.[1]
  return part === undefined || part === '00001'
}
