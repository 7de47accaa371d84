/** Makes a bundle of a published model: everything is checked first, then written whole or not at all. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { countParameters, fill } from '../../models/spec.ts'
import { bundleFolder, type GraphEntry, writeManifest } from '../../runtime/bundle.ts'
import { refuseForeign, replaceFolder } from '../../runtime/replace-folder.ts'
import { openDecoder, type Decoder } from '../../runtime/decoder.ts'
import { openText, type TextCodec } from '../../runtime/text.ts'
import { traceDecoder, type TracedDecoder } from '../decoder.ts'
import { decoderOps } from '../kernels.ts'
import { type KvCaches, kvCaches, kvRefusal } from '../kv-cache.ts'
import { type KvCost, storeKv } from '../kv-cost.ts'
import { ExternalWeights } from '../onnx/external-weights.ts'
import { GraphBuilder, type Value } from '../onnx/graph.ts'
import { bindTensors, type Bindings } from './bind.ts'
import { calibrationIds } from './calibration-ids.ts'
import { ImportError } from './import-error.ts'
import { importClassifier } from './import-classifier.ts'
import { importEncoder } from './import-encoder.ts'
import { nameOf, type Imported, type ImportOptions } from './import-options.ts'
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
    if (encoder && o.kv !== undefined)
      throw new ImportError(
        `--kv: expected it for a decoder only, got ${o.kv} for an encoder, which keeps no keys and values`,
      )
    if (encoder && classifier) return await importClassifier(o, source, encoder, classifier)
    if (encoder) return await importEncoder(o, source, encoder)
    if (o.pooling !== undefined)
      throw new ImportError(`--pooling: expected it for an encoder of texts only, got ${o.pooling} for a decoder`)
    const published = await readPublished(source)
    const refusal = kvRefusal(o.kv ?? 'float32', published.family, published.model)
    if (refusal !== undefined) throw new ImportError(refusal)
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

async function writeBundle(o: ImportOptions, folder: string, read: ReadModel): Promise<Imported> {
  const { source, tokenizer } = read
  const { family, model, maxPositions } = read.published
  const whole = o.adapter?.model ?? model
  const float32 = kvCaches('float32')
  const { traced, external, counts } = trace(o, read, float32)
  const file = join(folder, GRAPH_FILE)
  await writeFile(file, traced.encode())
  await external.write(join(folder, WEIGHTS_FILE), (done, of) => o.progress?.('weights', done, of))
  await writeTokenizer(folder, tokenizer)
  const sharedWith = await shareWeights(folder, WEIGHTS_FILE, dirname(resolve(o.out)))
  const text = openText(folder)
  const { graph, cost } = await withKv(o, read, { graph: traced, kv: float32 }, file, text)
  const isRounded = counts.int8 + counts.int4 + counts.exact > 0 || cost !== undefined
  const trial = await tryDecoder(file, graph.state, model.vocab, isRounded ? 'rounded' : 'exact')
  const manifest = await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name: o.name ?? nameOf(o.source),
    architecture: o.adapter ? whole.architecture : family,
    config: { ...whole.config },
    parameters: countParameters(whole.params),
    graphs: { decoder: graphEntry(graph) },
    state: graph.state.map((entry) => ({ ...entry, shape: [...entry.shape] as ['batch', ...(number | 'time')[]] })),
    prefillChunk: PREFILL_CHUNK,
    ...(maxPositions === null ? {} : { maxTokens: maxPositions }),
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: text.vocabSize, eos: [...text.eos] },
    generation: { ...generationOf(source.generation), ...o.adapter?.generation },
    verification: { ...trial, ...(cost ? { kv: cost } : {}) },
    source: { about: source.about, quantization: o.quantization, stored: counts, ...o.adapter?.about },
  })
  return { manifest, trial, stored: counts, sharedWith, kvCost: cost }
}

/** The graph that is written at last to `file`, whose weights are there: with keys and values as they were asked for. */
async function withKv(
  { kv = 'float32', ...o }: ImportOptions,
  read: ReadModel,
  float32: { readonly graph: TracedDecoder; readonly kv: KvCaches },
  file: string,
  text: TextCodec,
): Promise<{ graph: TracedDecoder; cost?: KvCost }> {
  if (kv === 'float32') return float32
  const retraceable = {
    float32,
    trace: (caches: KvCaches): TracedDecoder => trace(o, read, caches).traced,
    async open(graph: TracedDecoder): Promise<Decoder> {
      await writeFile(file, graph.encode())
      return openDecoder(file, graph.state, { threads: availableParallelism() })
    },
  }
  return storeKv(kv, retraceable, calibrationIds(text, read.published.maxPositions))
}

/** The decoder with caches of `kv`. Weights get the same places in the file beside it whatever the caches are. */
function trace(o: Pick<ImportOptions, 'quantization' | 'adapter'>, read: ReadModel, kv: KvCaches) {
  const { source, published, bindings } = read
  const formats = chooseFormats(o.quantization, bindings, source.tensors)
  const graph = new GraphBuilder()
  const external = new ExternalWeights(graph, WEIGHTS_FILE)
  const cursor = { at: graph }
  const weights = new ImportedWeights(cursor, external, published.model, bindings, source.tensors, formats)
  const op = { ...decoderOps(cursor, 'fused', published.maxPositions, kv), ...weights.overrides }
  const model = o.adapter?.model ?? published.model
  // Parameters are named now and stored in the form in which the trace finds them to be read. What an adapter adds is in
  // the graph's own file, so that the file beside it is that of the base, whatever was added.
  const params = fill(model.params, (path, { shape }): Value => {
    const own = o.adapter?.weights.get(path)
    if (own) return graph.initializer(path, 'float32', shape.map(Number), own)
    return { name: o.adapter ? path.replace(/^base\./, '') : path }
  })
  const traced = traceDecoder(graph, op, model, params, kv.dtype)
  weights.finish()
  return { traced, external, counts: weights.counts }
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
