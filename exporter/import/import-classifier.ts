/** Makes a bundle with a classifier of a published encoder that has a head for labels. */
import type { ClassifierModel, EncoderModel } from '../../models/encoder.ts'
import { bundleFolder } from '../../runtime/bundle.ts'
import { openLogitsGraph } from '../../runtime/classifier.ts'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { openSentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import { traceClassifier } from '../embedder.ts'
import { bindTensors, type Bindings } from './bind.ts'
import { ImportError } from './import-error.ts'
import { longestText } from './import-encoder.ts'
import type { Imported, ImportOptions } from './import-options.ts'
import { modelTokenizer } from './model-tokenizer.ts'
import type { PublishedClassifier } from './published-config.ts'
import type { ModelSource, TokenizerContents } from './sources/contract.ts'
import { writeEncoderBundle } from './write-encoder.ts'

const GRAPH_FILE = 'classifier.onnx'

/** A classifier that has been read and found whole. */
interface ReadClassifier {
  readonly source: ModelSource
  readonly published: PublishedClassifier
  readonly model: ClassifierModel
  readonly bindings: Bindings
  readonly tokenizer: TokenizerContents
  readonly maxTokens: number
}

/** Writes the bundle. Throws ImportError, SourceError or TextError in one sentence before anything is written. */
export async function importClassifier(
  o: ImportOptions,
  source: ModelSource,
  encoder: EncoderModel,
  published: PublishedClassifier,
): Promise<Imported> {
  if (o.pooling !== undefined)
    throw new ImportError(`--pooling: expected it for an encoder of sentences only, got ${o.pooling} for a classifier`)
  const model = encoder.classifier(published.task, published.labels.length)
  const bindings = bindTensors(model, source.tensors)
  const tokenizer = await modelTokenizer(o, source, model.vocab)
  const maxTokens = longestText(model, undefined, tokenizer)
  openSentenceTokenizer(tokenizer, maxTokens)
  const read = { source, published, model, bindings, tokenizer, maxTokens }
  return replaceFolder(o.out, bundleFolder, (folder) => writeBundle(o, folder, read))
}

function writeBundle(o: ImportOptions, folder: string, read: ReadClassifier): Promise<Imported> {
  const { model, published, maxTokens } = read
  const { task, labels, activation } = published
  const sizes = { task, labels: labels.length }
  return writeEncoderBundle(o, folder, {
    ...read,
    file: GRAPH_FILE,
    trace: (graph, op, params) => traceClassifier(graph, op, model, params, sizes),
    open: (file) => openLogitsGraph(file, sizes),
    describe: (classifier) => ({
      graphs: { classifier },
      classifier: { task, labels: [...labels], activation, maxTokens },
    }),
  })
}
