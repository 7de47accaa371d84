/** Makes a bundle with an embedder of a published encoder of text. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EncoderModel } from '../../models/encoder.ts'
import type { SentenceVector } from '../../models/layers/pooling.ts'
import { countParameters, fill } from '../../models/spec.ts'
import { bundleFolder, writeManifest } from '../../runtime/bundle.ts'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { openSentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import { openText } from '../../runtime/text.ts'
import { encoderOps, traceEmbedder, type TracedEmbedder } from '../embedder.ts'
import { ExternalWeights } from '../onnx/external-weights.ts'
import { GraphBuilder, type Value } from '../onnx/graph.ts'
import { bindTensors, type Bindings } from './bind.ts'
import { tryEmbedder, type EmbedderTrial } from './embedder-trial.ts'
import { ImportError } from './import-error.ts'
import { nameOf, type Imported, type ImportOptions } from './import-options.ts'
import { ImportedWeights } from './imported-weights.ts'
import { modelTokenizer } from './model-tokenizer.ts'
import type { ModelSource, SentenceSettings, TokenizerContents } from './sources/contract.ts'
import { chooseFormats, type Quantization } from './weight-formats.ts'

const GRAPH_FILE = 'embedder.onnx'
const WEIGHTS_FILE = 'embedder.onnx.data'

/** An encoder that has been read and found whole. */
interface ReadEncoder {
  readonly source: ModelSource
  readonly model: EncoderModel
  readonly bindings: Bindings
  readonly tokenizer: TokenizerContents
  readonly vector: SentenceVector
  readonly maxTokens: number
}

/** Writes the bundle. Throws ImportError, SourceError or TextError in one sentence before anything is written. */
export async function importEncoder(o: ImportOptions, source: ModelSource, model: EncoderModel): Promise<Imported> {
  const settings = await source.sentenceSettings?.()
  const vector = vectorOf(o, settings)
  const bindings = bindTensors(model, source.tensors)
  const tokenizer = await modelTokenizer(o, source, model.vocab)
  if (settings?.lowerCase && !lowerCases(tokenizer))
    throw new ImportError(
      'sentence_bert_config.json: do_lower_case: expected a tokenizer that lower-cases texts, got one that does not',
    )
  const maxTokens = longestText(model, settings, tokenizer)
  openSentenceTokenizer(tokenizer, maxTokens)
  const read = { source, model, bindings, tokenizer, vector, maxTokens }
  return replaceFolder(o.out, bundleFolder, (folder) => writeBundle(o, folder, read))
}

/** What the source says; `--pooling` where it does not say how, and unit vectors where it says nothing at all. */
function vectorOf({ pooling: given }: ImportOptions, settings: SentenceSettings | undefined): SentenceVector {
  const found = settings?.pooling ?? null
  if (found !== null && given !== undefined && given !== found)
    throw new ImportError(`--pooling: expected ${found} as the model's files say, got ${given}`)
  const pooling = found ?? given
  if (pooling === undefined)
    throw new ImportError(
      `${settings ? 'the config.json of its pooling' : 'modules.json'}: expected it to say how the vectors of the tokens ` +
        `become one for the text, got no such file; add --pooling mean, cls or max`,
    )
  return { pooling, normalize: settings?.normalize ?? true }
}

const lowerCases = ({ tokenizer }: TokenizerContents): boolean =>
  (tokenizer as { normalizer?: { lowercase?: unknown } | null }).normalizer?.lowercase === true

/** The shortest of the limits: of the positions, of sentence-transformers, of the tokenizer. */
function longestText(
  { maxTokens }: EncoderModel,
  settings: SentenceSettings | undefined,
  { config }: TokenizerContents,
): number {
  const { model_max_length: tokenizers } = config as Readonly<Record<string, unknown>>
  const limits = [maxTokens, settings?.maxTokens, tokenizers]
  // Tokenizers without a limit say 1e30.
  return Math.min(...limits.filter((limit): limit is number => Number.isSafeInteger(limit) && Number(limit) > 0))
}

async function writeBundle(o: ImportOptions, folder: string, read: ReadEncoder): Promise<Imported> {
  const { source, model, tokenizer, vector, maxTokens } = read
  const { traced, stored } = await writeGraph(folder, read, o.quantization, o.progress)
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer.tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizer.config))
  const rounded = stored.int8 + stored.int4 + stored.exact > 0
  const sizes = { vocab: model.vocab, width: model.width, maxTokens }
  const trial = rounded
    ? await besideFloat32(join(folder, GRAPH_FILE), sizes, read)
    : await tryEmbedder(join(folder, GRAPH_FILE), sizes)
  const text = openText(folder)
  const manifest = await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name: o.name ?? nameOf(o.source),
    architecture: model.architecture,
    config: { ...model.config },
    parameters: countParameters(model.params),
    graphs: {
      embedder: { file: GRAPH_FILE, kernels: 'fused', inputs: [...traced.inputs], outputs: [...traced.outputs] },
    },
    embedder: { ...vector, width: model.width, maxTokens },
    state: [],
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: text.vocabSize, eos: [...text.eos] },
    generation: {},
    verification: { ...trial },
    source: { about: source.about, quantization: o.quantization, stored },
  })
  return { manifest, trial, stored, sharedWith: undefined }
}

/** Writes the graph and its weights. Returns what was traced, and how many numbers are stored in each form. */
async function writeGraph(
  folder: string,
  { source, model, bindings, vector }: ReadEncoder,
  quantization: Quantization,
  progress?: ImportOptions['progress'],
): Promise<{ traced: TracedEmbedder; stored: Imported['stored'] }> {
  const formats = chooseFormats(quantization, bindings, source.tensors)
  const graph = new GraphBuilder()
  const external = new ExternalWeights(graph, WEIGHTS_FILE)
  const cursor = { at: graph }
  const weights = new ImportedWeights(cursor, external, model, bindings, source.tensors, formats)
  // Parameters are named now and stored in the form in which the trace finds them to be read.
  const params = fill(model.params, (path): Value => ({ name: path }))
  const traced = traceEmbedder(graph, { ...encoderOps(cursor), ...weights.overrides }, model, params, vector)
  weights.finish()
  await writeFile(join(folder, GRAPH_FILE), traced.encode())
  await external.write(join(folder, WEIGHTS_FILE), (done, of) => progress?.('weights', done, of))
  return { traced, stored: weights.counts }
}

/** Tries a graph of rounded weights beside one in float32, which is removed afterwards. */
async function besideFloat32(
  file: string,
  sizes: { readonly vocab: number; readonly width: number; readonly maxTokens: number },
  read: ReadEncoder,
): Promise<EmbedderTrial> {
  const folder = await mkdtemp(join(tmpdir(), 'mneme-import-'))
  try {
    await writeGraph(folder, read, 'none')
    return await tryEmbedder(file, sizes, join(folder, GRAPH_FILE))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
