/** Makes a bundle with an embedder of a published encoder of text. */
import type { EncoderModel, EncoderSizes } from '../../models/encoder.ts'
import type { SentenceVector } from '../../models/layers/pooling.ts'
import { bundleFolder } from '../../runtime/bundle.ts'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { openSentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import { openVectorGraph } from '../../runtime/embedder.ts'
import { traceEmbedder } from '../embedder.ts'
import { bindTensors, type Bindings } from './bind.ts'
import { ImportError } from './import-error.ts'
import type { Imported, ImportOptions } from './import-options.ts'
import { modelTokenizer } from './model-tokenizer.ts'
import type { ModelSource, SentenceSettings, TokenizerContents } from './sources/contract.ts'
import { writeEncoderBundle } from './write-encoder.ts'

const GRAPH_FILE = 'embedder.onnx'

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
export function longestText(
  { maxTokens }: EncoderSizes,
  settings: SentenceSettings | undefined,
  { config }: TokenizerContents,
): number {
  const { model_max_length: tokenizers } = config as Readonly<Record<string, unknown>>
  const limits = [maxTokens, settings?.maxTokens, tokenizers]
  // Tokenizers without a limit say 1e30.
  return Math.min(...limits.filter((limit): limit is number => Number.isSafeInteger(limit) && Number(limit) > 0))
}

function writeBundle(o: ImportOptions, folder: string, read: ReadEncoder): Promise<Imported> {
  const { model, vector, maxTokens } = read
  return writeEncoderBundle(o, folder, {
    ...read,
    file: GRAPH_FILE,
    trace: (graph, op, params) => traceEmbedder(graph, op, model, params, vector),
    open: (file) => openVectorGraph(file, model.width),
    describe: (embedder) => ({ graphs: { embedder }, embedder: { ...vector, width: model.width, maxTokens } }),
  })
}
