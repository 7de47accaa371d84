/** Makes a bundle of a published ONNX decoder: its graph and weights as they are, driven like one of our own. */
import { join } from 'node:path'
import { bundleFolder, writeManifest } from '../../../runtime/bundle.ts'
import { replaceFolder } from '../../../runtime/replace-folder.ts'
import { openText } from '../../../runtime/text.ts'
import type { Port } from '../../onnx/graph.ts'
import { writeEdited } from '../../onnx/edit-model.ts'
import type { ModelFile } from '../../onnx/model-file.ts'
import { ImportError } from '../import-error.ts'
import { nameOf, type Imported, type ImportOptions } from '../import-options.ts'
import { modelTokenizer, writeTokenizer } from '../model-tokenizer.ts'
import { generationOf, PREFILL_CHUNK } from '../serving.ts'
import type { TokenizerContents } from '../sources/contract.ts'
import { countWeights } from './count-weights.ts'
import { cacheForm, headOf, refuseNodes, rowsOfAngles } from './decoder-graph.ts'
import { decoderPorts, type Cache, type DecoderPorts } from './decoder-ports.ts'
import { driveDecoder, type CacheForm } from './drive-decoder.ts'
import { withEmbedding, type Embedding } from './embedding-graph.ts'
import { copyExternal, externalFiles, type ExternalFile } from './external-files.ts'
import { openOnnxFolder, type OnnxFolder } from './onnx-folder.ts'
import { tryDriven } from './onnx-trial.ts'
import { readGraph } from './read-graph.ts'

const GRAPH_FILE = 'decoder.onnx'
/** Files of a bundle that no file of weights may take the name of. */
const RESERVED = [GRAPH_FILE, 'manifest.json', 'tokenizer.json', 'tokenizer_config.json']

/** A graph that has been read and found whole. */
interface ReadGraph {
  readonly folder: OnnxFolder
  readonly model: ModelFile
  readonly embedding: Embedding | undefined
  readonly ports: DecoderPorts
  readonly form: CacheForm
  readonly external: readonly ExternalFile[]
  readonly tokenizer: TokenizerContents
  readonly maxTokens: number | null
}

/** Writes the bundle. Throws ImportError or SourceError in one sentence before anything is written. */
export async function importOnnx(o: ImportOptions): Promise<Imported> {
  if (o.quantization !== 'keep')
    throw new ImportError(
      `--quantize: expected keep for an ONNX graph, whose weights stay as they are, got ${o.quantization}`,
    )
  if (o.kv !== undefined)
    throw new ImportError(
      `--kv: expected none for an ONNX graph, whose keys and values are as it has them, got ${o.kv}`,
    )
  if (o.pooling !== undefined)
    throw new ImportError(`--pooling: expected it for an encoder of texts only, got ${o.pooling} for a decoder`)
  const folder = await openOnnxFolder(o.source)
  const { model, embedding } = await withEmbedding(await readGraph(folder.file), folder.hints.ids)
  refuseNodes(model)
  const ports = decoderPorts(model, folder.hints)
  const form = cacheForm(model, ports)
  const external = await externalFiles(model, RESERVED)
  const tokenizer = await modelTokenizer(o, folder, ports.logits.vocab)
  const limits = [folder.maxTokens, rowsOfAngles(model)].filter((limit) => limit !== null)
  const maxTokens = limits.length === 0 ? null : Math.min(...limits)
  const read = { folder, model, embedding, ports, form, external, tokenizer, maxTokens }
  return replaceFolder(o.out, bundleFolder, (out) => writeBundle(o, out, read))
}

async function writeBundle(o: ImportOptions, out: string, read: ReadGraph): Promise<Imported> {
  const { folder, model, embedding, ports, form, external, tokenizer, maxTokens } = read
  const head = headOf(model, ports)
  const driven = await driveDecoder(ports, form, maxTokens, head)
  const file = join(out, GRAPH_FILE)
  const without = driven.replacesHead ? head.node : undefined
  await writeEdited(model, { ...driven, first: embedding?.model, without }, file)
  await copyExternal(external, out, (done, of) => o.progress?.('weights', done, of))
  await writeTokenizer(out, tokenizer)
  const { parameters, stored, rounded } = countWeights(model)
  const half = ports.caches.some(({ dtype }) => dtype === 'float16')
  const state = ports.caches.map(entryOf)
  const trial = await tryDriven(
    file,
    state,
    { decoder: model.path, embedding },
    ports,
    rounded || half ? 'rounded' : 'exact',
  )
  const text = openText(out)
  const manifest = await writeManifest(out, {
    format: 'mneme-bundle',
    version: 1,
    name: o.name ?? nameOf(o.source),
    architecture: folder.architecture,
    config: folder.config,
    parameters,
    graphs: {
      decoder: {
        file: GRAPH_FILE,
        kernels: 'fused',
        inputs: driven.inputs.map((port) =>
          port.name === 'logits_from' ? { ...inManifest(port), optional: true } : inManifest(port),
        ),
        outputs: driven.outputs.map(inManifest),
      },
    },
    state,
    prefillChunk: PREFILL_CHUNK,
    ...(maxTokens === null ? {} : { maxTokens }),
    tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: text.vocabSize, eos: [...text.eos] },
    generation: generationOf(folder.generation),
    verification: { ...trial },
    source: { about: folder.about, quantization: o.quantization, stored, caches: form },
  })
  return { manifest, trial, stored, sharedWith: undefined }
}

/** The manifest calls the axis of positions 'time'; in the file it has room for more than the ids have. */
const inManifest = (port: Port): Port => ({
  ...port,
  shape: port.shape.map((size) => (size === 'capacity' ? 'time' : size)),
})

const entryOf = ({ input, kind, dtype, shape }: Cache) => ({
  name: input,
  kind,
  input: `state.${input}`,
  output: `next.${input}`,
  dtype,
  shape: ['batch', ...shape] as ['batch', ...(number | 'time')[]],
  inPlace: kind === 'append',
})
