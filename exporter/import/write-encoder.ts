/** Writes the bundle of an encoder: its graph with the weights, which is tried, its tokenizer and its manifest. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ops } from '../../models/ops.ts'
import type { EncoderModel } from '../../models/encoder.ts'
import { countParameters, fill } from '../../models/spec.ts'
import { writeManifest } from '../../runtime/bundle.ts'
import type { GraphEntry, Manifest } from '../../runtime/manifest.ts'
import { openText } from '../../runtime/text.ts'
import { encoderOps, type TracedEncoder } from '../embedder.ts'
import { ExternalWeights } from '../onnx/external-weights.ts'
import { GraphBuilder, type Value } from '../onnx/graph.ts'
import type { Bindings, Parametrised } from './bind.ts'
import { tryEncoder, type EmbedderTrial, type TriedEncoder } from './embedder-trial.ts'
import { nameOf, type Imported, type ImportOptions } from './import-options.ts'
import { writeTokenizer } from './model-tokenizer.ts'
import { ImportedWeights } from './imported-weights.ts'
import type { ModelSource, TokenizerContents } from './sources/contract.ts'
import { chooseFormats, type Quantization } from './weight-formats.ts'

/** An encoder with what reads its states, found whole in a source. */
export interface EncoderGraph {
  readonly source: ModelSource
  readonly model: Parametrised & Pick<EncoderModel, 'vocab' | 'architecture' | 'config'>
  readonly tokenizer: TokenizerContents
  readonly bindings: Bindings
  readonly maxTokens: number
  /** The graph's file; that of its weights is called after it. */
  readonly file: string
  readonly trace: (graph: GraphBuilder, op: Ops<Value>, params: unknown) => TracedEncoder
  readonly open: TriedEncoder['open']
  /** What the manifest says of the graph and of who reads it. */
  readonly describe: (
    graph: GraphEntry,
  ) => Pick<Manifest, 'graphs' | 'embedder' | 'classifier' | 'critic' | 'smallTalk'>
}

/** Throws ImportError where the graph does not run as it should. */
export async function writeEncoderBundle(o: ImportOptions, folder: string, encoder: EncoderGraph): Promise<Imported> {
  const { source, model, tokenizer, file, describe } = encoder
  const { traced, stored, trial } = await writeEncoder(folder, o, encoder)
  await writeTokenizer(folder, tokenizer)
  const text = openText(folder)
  const manifest = await writeManifest(folder, {
    format: 'mneme-bundle',
    version: 1,
    name: o.name ?? nameOf(o.source),
    architecture: model.architecture,
    config: { ...model.config },
    parameters: countParameters(model.params),
    ...describe({ file, kernels: 'fused', inputs: [...traced.inputs], outputs: [...traced.outputs] }),
    state: [],
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: text.vocabSize, eos: [...text.eos] },
    generation: {},
    verification: { ...trial },
    source: { about: source.about, quantization: o.quantization, stored },
  })
  return { manifest, trial, stored, sharedWith: undefined }
}

/** Returns what was traced, how many numbers are stored in each form, and what the trial found. Throws ImportError. */
async function writeEncoder(
  folder: string,
  { quantization, progress }: Pick<ImportOptions, 'quantization' | 'progress'>,
  graph: EncoderGraph,
): Promise<{ traced: TracedEncoder; stored: Imported['stored']; trial: EmbedderTrial }> {
  const { traced, stored } = await writeGraph(folder, graph, quantization, progress)
  const rounded = stored.int8 + stored.int4 + stored.exact > 0
  const file = join(folder, graph.file)
  const tried = { vocab: graph.model.vocab, maxTokens: graph.maxTokens, open: graph.open }
  const trial = rounded ? await besideFloat32(file, tried, graph) : await tryEncoder(file, tried)
  return { traced, stored, trial }
}

async function writeGraph(
  folder: string,
  { source, model, bindings, file, trace }: EncoderGraph,
  quantization: Quantization,
  progress?: ImportOptions['progress'],
): Promise<{ traced: TracedEncoder; stored: Imported['stored'] }> {
  const formats = chooseFormats(quantization, bindings, source.tensors)
  const graph = new GraphBuilder()
  const data = `${file}.data`
  const external = new ExternalWeights(graph, data)
  const cursor = { at: graph }
  const weights = new ImportedWeights(cursor, external, model, bindings, source.tensors, formats)
  // Parameters are named now and stored in the form in which the trace finds them to be read.
  const params = fill(model.params, (path): Value => ({ name: path }))
  const traced = trace(graph, { ...encoderOps(cursor), ...weights.overrides }, params)
  weights.finish()
  await writeFile(join(folder, file), traced.encode())
  await external.write(join(folder, data), (done, of) => progress?.('weights', done, of))
  return { traced, stored: weights.counts }
}

/** Tries a graph of rounded weights beside one in float32, which is removed afterwards. */
async function besideFloat32(file: string, tried: TriedEncoder, graph: EncoderGraph): Promise<EmbedderTrial> {
  const folder = await mkdtemp(join(tmpdir(), 'mneme-import-'))
  try {
    await writeGraph(folder, graph, 'none')
    return await tryEncoder(file, tried, join(folder, graph.file))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
