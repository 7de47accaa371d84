/** Makes a bundle: traces, verifies, and only then writes the folder and its manifest. */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Model } from '../models/architecture.ts'
import { countParameters } from '../models/spec.ts'
import { bundleFolder, type Manifest, writeManifest } from '../runtime/bundle.ts'
import { refuseForeign, replaceFolder } from '../runtime/replace-folder.ts'
import { openDecoder } from '../runtime/decoder.ts'
import { openText } from '../runtime/text.ts'
import { decoderGraph, type DecoderGraph } from './decoder.ts'
import type { Kernels } from './kernels.ts'
import { type KvCaches, kvCaches, type KvDtype, kvRefusal } from './kv-cache.ts'
import { type KvCost, type KvTexts, storeKv } from './kv-cost.ts'
import { type Precomputed, precomputeWeights } from './precompute.ts'
import { checkStages, type StagesCheck } from './stages-check.ts'
import { cutDecoder, type Stage, type Stages } from './stages.ts'
import { type Reference, type Verification, verify } from './verify.ts'
import { checkWeights, ExportError, type Weights } from './weights.ts'

export interface ExportOptions {
  readonly model: Model
  readonly weights: Weights
  readonly kernels: Kernels
  /** How keys and values of attention over all tokens are stored; float32 without. */
  readonly kv?: KvDtype | undefined
  /** A folder with tokenizer.json and tokenizer_config.json. */
  readonly tokenizer: string
  readonly out: string
  readonly name: string
  /** Computes what depends on parameters alone when the file is loaded, not now: a smaller file. */
  readonly compact?: boolean
  readonly reference: Reference
  /** Real text for the verification. */
  readonly ids: readonly number[]
  /** Tokens of a session over which pieces and single tokens have to agree. */
  readonly length: number
  readonly generation: Manifest['generation']
  /** Where the weights come from: recipe, step, seed. */
  readonly source: Readonly<Record<string, unknown>>
  /** After how many layers the early stage ends: one of the model's exits; its first without. */
  readonly exit?: number | undefined
}

export interface Exported {
  readonly manifest: Manifest
  /** Of the decoder with float32 keys and values. */
  readonly verification: Verification
  /** What keys and values in fewer bits cost. */
  readonly kvCost: KvCost | undefined
  /** The stage up to an exit; undefined where the model has no exits, or its layers run in a loop over chunks. */
  readonly stage: CheckedStage | undefined
}

/** The early stage, and how it and the late one were held to the whole decoder. */
export type CheckedStage = StagesCheck & Pick<Stages, 'after'>

/** Writes the bundle and returns its manifest. A file, and a folder that holds anything but a bundle, is left alone. */
export async function exportBundle(o: ExportOptions): Promise<Exported> {
  await refuseForeign(o.out, bundleFolder) // before the work, not after it
  const text = openText(o.tokenizer)
  if (text.vocabSize > o.model.vocab)
    throw new ExportError(`vocabulary: the tokenizer has ${text.vocabSize} tokens, the model ${o.model.vocab}`)
  checkWeights(o.model, o.weights)
  const exit = exitIndex(o)
  const texts = textsForKv(o)
  const precomputed = o.compact ? new Map() : await precomputeWeights(o.model, o.weights)
  const trace = (kv: KvCaches): DecoderGraph => decoderGraph(o.model, o.weights, o.kernels, precomputed, kv)
  const float32 = kvCaches('float32')
  const whole = trace(float32)
  if (o.compact) await refuseLarger(o, whole.bytes.length)
  // Where positions are learned, there are no more tokens to a session than those
  const most = o.model.positions ?? Infinity
  const verification = await verify(whole, o.reference, o.ids.slice(0, most), Math.min(o.length, most))
  const open = (graph: DecoderGraph) => openDecoder(graph.bytes, graph.state)
  const { graph, cost } =
    o.kv === undefined || o.kv === 'float32'
      ? { graph: whole, cost: undefined }
      : await storeKv(o.kv, { float32: { graph: whole, kv: float32 }, trace, open }, texts)

  const cut = await cutAtExit(o, exit, precomputed, whole, most)
  const manifest = await replaceFolder(o.out, bundleFolder, async (folder) => {
    await writeFile(join(folder, 'decoder.onnx'), graph.bytes)
    if (cut) await writeFile(join(folder, EARLY_FILE), cut.early.bytes)
    for (const file of ['tokenizer.json', 'tokenizer_config.json'])
      await copyFile(join(o.tokenizer, file), join(folder, file))
    return writeManifest(folder, {
      format: 'mneme-bundle',
      version: 1,
      name: o.name,
      architecture: o.model.architecture,
      config: { ...o.model.config },
      parameters: countParameters(o.model.params),
      graphs: {
        decoder: {
          file: 'decoder.onnx',
          kernels: o.kernels,
          ...portsOf(graph),
        },
        ...(cut ? { early: { file: EARLY_FILE, kernels: o.kernels, ...portsOf(cut.early) } } : {}),
      },
      ...(cut
        ? { early: { after: cut.after, state: cut.early.state.map(({ name }) => name), agreement: cut.agreement } }
        : {}),
      state: graph.state.map((entry) => ({ ...entry, shape: [...entry.shape] as ['batch', ...(number | 'time')[]] })),
      ...(o.model.positions === undefined ? {} : { maxTokens: o.model.positions }),
      tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: text.vocabSize, eos: [...text.eos] },
      generation: o.generation,
      verification: { ...verification, ...(cost ? { kv: cost } : {}), ...(cut ? { stages: cut.staged } : {}) },
      source: { ...o.source },
    })
  })
  const stage = cut && { after: cut.after, staged: cut.staged, agreement: cut.agreement }
  return { manifest, verification, kvCost: cost, stage }
}

const EARLY_FILE = 'early.onnx'

const portsOf = ({ inputs, outputs }: Pick<Stage, 'inputs' | 'outputs'>) => ({
  inputs: inputs.map((port) => ({ ...port, ...(port.name === 'logits_from' ? { optional: true as const } : {}) })),
  outputs: [...outputs],
})

/** Which of the model's exits is asked for; throws ExportError where it has no such. */
function exitIndex({ model, exit }: ExportOptions): number {
  if (exit === undefined) return 0
  const layers = model.exits?.layers ?? []
  const index = layers.indexOf(exit)
  if (index >= 0) return index
  const has = layers.length === 0 ? 'none' : layers.join(', ')
  throw new ExportError(`--exit: expected one that the model was trained with (${has}), got ${exit}`)
}

/**
 * The decoder cut at an exit, where the model has one. Only the early stage is written: the server verifies with the
 * whole decoder, whose calls a replay can make again. Both are held to it all the same.
 */
async function cutAtExit(
  { model, weights, kernels, kv, ids }: ExportOptions,
  exit: number,
  precomputed: Precomputed,
  whole: DecoderGraph,
  most: number,
): Promise<(Stages & StagesCheck) | undefined> {
  if (!model.exits) return undefined
  if (kv !== undefined && kv !== 'float32')
    throw new ExportError(`--kv: expected float32 of a model with exits, whose stages share their caches, got ${kv}`)
  const stages = cutDecoder(model, exit, weights, kernels, precomputed)
  return stages && { ...stages, ...(await checkStages(whole, stages, ids.slice(0, most))) }
}

/**
 * The halves of the text to verify on. Throws ExportError where keys and values are to be stored in fewer bits, and the model
 * keeps none of all tokens or the text is too short.
 */
function textsForKv({ kv = 'float32', model, ids }: ExportOptions): KvTexts {
  const half = Math.floor(ids.length / 2)
  const most = Math.min(half, model.positions ?? Infinity)
  const texts = { calibration: [ids.slice(0, most)], measured: ids.slice(half, half + most) }
  if (kv === 'float32') return texts
  const refusal = kvRefusal(kv, model.architecture, model)
  if (refusal !== undefined) throw new ExportError(refusal)
  if (ids.length < 4) throw new ExportError(`--kv: expected at least 4 tokens of text, got ${ids.length}`)
  return texts
}

/** Throws ExportError where the file is not smaller: what is precomputed may be smaller than what it is made of. */
async function refuseLarger({ model, weights, kernels }: ExportOptions, compactBytes: number): Promise<void> {
  const usual = decoderGraph(model, weights, kernels, await precomputeWeights(model, weights)).bytes.length
  if (compactBytes >= usual)
    throw new ExportError(
      `--compact: makes no smaller file of this model (${compactBytes} bytes, ${usual} without it); leave it out`,
    )
}
