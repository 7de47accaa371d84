/** Makes a bundle of a published model: everything is checked first, then written whole or not at all. */
import { writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Model } from '../../models/architecture.ts'
import { countParameters, fill } from '../../models/spec.ts'
import { bundleFolder, type GraphEntry, writeManifest } from '../../runtime/bundle.ts'
import { refuseForeign, replaceFolder } from '../../runtime/replace-folder.ts'
import { openText } from '../../runtime/text.ts'
import { traceDecoder, type TracedDecoder } from '../decoder.ts'
import { decoderOps } from '../kernels.ts'
import { ExternalWeights } from '../onnx/external-weights.ts'
import { GraphBuilder, type Value } from '../onnx/graph.ts'
import { bindTensors, type Bindings } from './bind.ts'
import { ImportError } from './import-error.ts'
import { importClassifier } from './import-classifier.ts'
import { importEncoder } from './import-encoder.ts'
import { nameOf, type Adapter, type Imported, type ImportOptions } from './import-options.ts'
import { ImportedWeights } from './imported-weights.ts'
import { modelTokenizer, writeTokenizer } from './model-tokenizer.ts'
import { importOnnx } from './onnx/import-onnx.ts'
import { isOnnxSource } from './onnx/onnx-folder.ts'
import { readPublishedClassifier, readPublishedEncoder, type PublishedModel } from './published-config.ts'
import { readPublished } from './read-published.ts'
import { generationOf, PREFILL_CHUNK } from './serving.ts'
import { shareWeights } from './share-weights.ts'
import { openSource, type ModelSource, type TokenizerContents } from './sources/source.ts'
import { tryDecoder } from './trial.ts'
import { chooseFormats } from './weight-formats.ts'

const GRAPH_FILE = 'decoder.onnx'
const WEIGHTS_FILE = 'decoder.onnx.data'

/** Writes the bundle. Throws ImportError, SourceError or ConfigError in one sentence before anything is written. */
export async function importModel(o: ImportOptions): Promise<Imported> {
  await refuseForeign(o.out, bundleFolder)
  if (await isOnnxSource(o.source)) return importOnnx(o)
  const source = await openSource(o.source)
  try {
    const encoder = readPublishedEncoder(source.config)
    const classifier = readPublishedClassifier(source.config)
    if (encoder && classifier) return await importClassifier(o, source, encoder, classifier)
    if (encoder) return await importEncoder(o, source, encoder)
    if (o.pooling !== undefined)
      throw new ImportError(`--pooling: expected it for an encoder of texts only, got ${o.pooling} for a decoder`)
    const published = await readPublished(source)
    const bindings = bindTensors(published.model, source.tensors)
    const tokenizer = await modelTokenizer(o, source, published.model.vocab)
    return await bundlePublished(o, { source, published, bindings, tokenizer })
  } finally {
    await source.tensors.close()
  }
}

/** A published model that has been read and found whole. */
export interface ReadModel {
  readonly source: Pick<ModelSource, 'about' | 'generation' | 'tensors'>
  readonly published: PublishedModel
  readonly bindings: Bindings
  readonly tokenizer: TokenizerContents
}

/** Writes the bundle of a model that has been read. */
export function bundlePublished(o: ImportOptions, read: ReadModel): Promise<Imported> {
  return replaceFolder(o.out, bundleFolder, (folder) => writeBundle(o, folder, read))
}

async function writeBundle(
  o: ImportOptions,
  folder: string,
  { source, published: { family, model, maxPositions }, bindings, tokenizer }: ReadModel,
): Promise<Imported> {
  const formats = chooseFormats(o.quantization, bindings, source.tensors)
  const graph = new GraphBuilder()
  const external = new ExternalWeights(graph, WEIGHTS_FILE)
  const cursor = { at: graph }
  const weights = new ImportedWeights(cursor, external, model, bindings, source.tensors, formats)
  const whole = o.adapter?.model ?? model
  const op = { ...decoderOps(cursor, 'fused', maxPositions), ...weights.overrides }
  const traced = trace(graph, whole, op, o.adapter)
  weights.finish()
  await writeFile(join(folder, GRAPH_FILE), traced.encode())
  await external.write(join(folder, WEIGHTS_FILE), (done, of) => o.progress?.('weights', done, of))
  await writeTokenizer(folder, tokenizer)
  const sharedWith = await shareWeights(folder, WEIGHTS_FILE, dirname(resolve(o.out)))
  const { int8, int4, exact } = weights.counts
  const precision = int8 + int4 + exact > 0 ? 'rounded' : 'exact'
  const trial = await tryDecoder(join(folder, GRAPH_FILE), traced.state, model.vocab, precision)
  const text = openText(folder)
  const manifest = await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name: o.name ?? nameOf(o.source),
    architecture: o.adapter ? whole.architecture : family,
    config: { ...whole.config },
    parameters: countParameters(whole.params),
    graphs: { decoder: graphEntry(traced) },
    state: traced.state.map((entry) => ({ ...entry, shape: [...entry.shape] as ['batch', ...(number | 'time')[]] })),
    prefillChunk: PREFILL_CHUNK,
    ...(maxPositions === null ? {} : { maxTokens: maxPositions }),
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: text.vocabSize, eos: [...text.eos] },
    generation: generationOf(source.generation),
    verification: { ...trial },
    source: { about: source.about, quantization: o.quantization, stored: weights.counts, ...o.adapter?.about },
  })
  return { manifest, trial, stored: weights.counts, sharedWith }
}

function trace(
  graph: GraphBuilder,
  model: Model,
  op: ReturnType<typeof decoderOps>,
  adapter: Adapter | undefined,
): TracedDecoder {
  // Parameters are named now and stored in the form in which the trace finds them to be read. What an adapter adds is in
  // the graph's own file, so that the file beside it is that of the base, whatever was added.
  const params = fill(model.params, (path, { shape }): Value => {
    const own = adapter?.weights.get(path)
    if (own) return graph.initializer(path, 'float32', shape.map(Number), own)
    return { name: adapter ? path.replace(/^base\./, '') : path }
  })
  return traceDecoder(graph, op, model, params)
}

const graphEntry = (traced: TracedDecoder): GraphEntry => ({
  file: GRAPH_FILE,
  kernels: 'fused',
  inputs: traced.inputs.map((port) => ({
    ...port,
    ...(port.name === 'logits_from' ? { optional: true as const } : {}),
  })),
  outputs: [...traced.outputs],
})
