/** Writes the bundle of a classifier of whole texts that was trained here. */
import { traceClassifier } from '../../exporter/embedder.ts'
import type { Imported } from '../../exporter/import/import-options.ts'
import type { Quantization } from '../../exporter/import/weight-formats.ts'
import { writeEncoderBundle } from '../../exporter/import/write-encoder.ts'
import { checkWeights } from '../../exporter/weights.ts'
import { ConfigError } from '../../models/config.ts'
import type { EncoderModel } from '../../models/encoder.ts'
import { bundleFolder, loadBundle, writeManifest } from '../../runtime/bundle.ts'
import { openLogits, openLogitsGraph } from '../../runtime/classifier.ts'
import type { Embedder } from '../../runtime/embedder.ts'
import type { Manifest } from '../../runtime/manifest.ts'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { readTokenizerFiles } from '../../runtime/tokenizer-files.ts'
import { tensorsOf } from './embedder.ts'
import type { Trained } from './weights.ts'

export interface ClassifierExport {
  readonly out: string
  readonly name: string
  readonly quantization: Quantization
}

/** How a classifier's logits are read, which its manifest says. */
export type Reading = Pick<Manifest, 'critic' | 'smallTalk' | 'reader'>

export interface ExportedClassifier {
  readonly encoder: EncoderModel
  readonly labels: readonly string[]
  /** The graph's file. */
  readonly file: string
  /** Until it is calibrated. */
  readonly uncalibrated: Reading
  readonly calibrate: (encoder: Embedder) => Promise<Reading>
}

/** Throws ImportError where its graph does not run as it should, ConfigError for another number of labels. */
export function exportClassifier(
  { model, weights, folder, step, config }: Trained,
  { encoder, labels, file, uncalibrated, calibrate }: ExportedClassifier,
  { out, name, quantization }: ClassifierExport,
): Promise<Imported> {
  checkWeights(model, weights)
  if (model.rowLabels !== labels.length)
    throw new ConfigError(`${model.architecture}.labels: expected ${labels.length}, got ${model.rowLabels}`)
  const sequence = { task: 'sequence', labels: labels.length } as const
  const { maxTokens } = encoder
  const classifier = encoder.classifier(sequence.task, sequence.labels)
  const about = `recipe ${config['name'] as string}, step ${step}, seed ${config['seed'] as number}`
  const tensors = tensorsOf(classifier, weights)
  const tokenizer = readTokenizerFiles(folder)
  return replaceFolder(out, bundleFolder, async (to) => {
    const written = await writeEncoderBundle({ source: folder, out, name, quantization }, to, {
      source: { about, config: {}, generation: {}, tensors, tokenizer },
      model: classifier,
      tokenizer,
      bindings: new Map(tensors.names.map((name) => [name, { kind: 'stacked', names: [name] }])),
      maxTokens,
      file,
      trace: (graph, op, params) => traceClassifier(graph, op, classifier, params, sequence),
      open: (path) => openLogitsGraph(path, sequence),
      describe: (graph) => ({
        graphs: { classifier: graph },
        classifier: { task: sequence.task, labels: [...labels], activation: 'softmax', maxTokens },
        ...uncalibrated,
      }),
    })
    const logits = await openLogits(await loadBundle(to), { threads: 1 })
    const read = await calibrate(logits)
    logits.close()
    const { files: _, ...manifest } = written.manifest
    return { ...written, manifest: await writeManifest(to, { ...manifest, ...read }) }
  })
}
