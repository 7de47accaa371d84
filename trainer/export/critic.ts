/** Exports the critic's encoder: a bundle with a classifier of pairs, calibrated on claims that training has not seen. */
import { traceClassifier } from '../../exporter/embedder.ts'
import type { Imported } from '../../exporter/import/import-options.ts'
import { writeEncoderBundle } from '../../exporter/import/write-encoder.ts'
import type { Quantization } from '../../exporter/import/weight-formats.ts'
import { checkWeights } from '../../exporter/weights.ts'
import { criticOptions } from '../../models/architectures/critic.ts'
import { criticEncoder } from '../../models/architectures/critic-encoder.ts'
import { ConfigError } from '../../models/config.ts'
import { bundleFolder, loadBundle, writeManifest } from '../../runtime/bundle.ts'
import { openLogits, openLogitsGraph } from '../../runtime/classifier.ts'
import { VERDICT_LABELS, tempered, type CriticEntry } from '../../runtime/critic.ts'
import type { Embedder } from '../../runtime/embedder.ts'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { readTokenizerFiles } from '../../runtime/tokenizer-files.ts'
import { textsOf, type Claim } from '../data/claims/claim.ts'
import { judgedPart, readJudged } from '../data/claims/judged.ts'
import { claimSource } from '../data/claims/pairs.ts'
import { readReplies } from '../data/notes/replies.ts'
import { fitTemperature, leastProbability, type Labelled } from '../evaluate/calibration.ts'
import { Random } from '../random.ts'
import { tensorsOf } from './embedder.ts'
import type { Trained } from './weights.ts'

const CALIBRATION_CLAIMS = 2000
/** What may be wrong of the verdicts that are given, on the claims of the calibration. */
const RISK = 0.05
const SEQUENCE = { task: 'sequence', labels: VERDICT_LABELS.length } as const
const UNCALIBRATED: CriticEntry = { temperature: 1, leastProbability: 0, readsQuestion: true }

export interface CriticExport {
  readonly out: string
  readonly name: string
  readonly quantization: Quantization
}

/** Writes the bundle. Throws ImportError where its graph does not run as it should, ConfigError for other labels. */
export function exportCritic({ model, weights, folder, step, config }: Trained, o: CriticExport): Promise<Imported> {
  checkWeights(model, weights)
  if (model.rowLabels !== VERDICT_LABELS.length)
    throw new ConfigError(`critic.labels: expected ${VERDICT_LABELS.length}, got ${model.rowLabels}`)
  const encoder = criticEncoder.model(criticOptions(model.config)).classifier('sequence', SEQUENCE.labels)
  const { maxTokens } = encoder
  const about = `recipe ${config['name'] as string}, step ${step}, seed ${config['seed'] as number}`
  const tensors = tensorsOf(encoder, weights)
  const tokenizer = readTokenizerFiles(folder)
  const classifier = { task: 'sequence', labels: [...VERDICT_LABELS], activation: 'softmax', maxTokens } as const
  return replaceFolder(o.out, bundleFolder, async (to) => {
    const written = await writeEncoderBundle(
      { source: folder, out: o.out, name: o.name, quantization: o.quantization },
      to,
      {
        source: { about, config: {}, generation: {}, tensors, tokenizer },
        model: encoder,
        tokenizer,
        bindings: new Map(tensors.names.map((name) => [name, { kind: 'stacked', names: [name] }])),
        maxTokens,
        file: 'critic.onnx',
        trace: (graph, op, params) => traceClassifier(graph, op, encoder, params, SEQUENCE),
        open: (file) => openLogitsGraph(file, SEQUENCE),
        describe: (graph) => ({
          graphs: { classifier: graph },
          classifier: { ...classifier, labels: [...VERDICT_LABELS] },
          critic: UNCALIBRATED,
        }),
      },
    )
    const critic = await calibrated(to, await heldOutClaims(config))
    const { files: _, ...manifest } = written.manifest
    return { ...written, manifest: await writeManifest(to, { ...manifest, critic }) }
  })
}

/** Claims of the data that a run was trained on, of the part that it was not. */
async function heldOutClaims({ data, seed }: Trained['config']): Promise<Claim[]> {
  const { judged } = data as { readonly judged: string }
  const random = new Random('calibration of the critic')
  if (judged === '') {
    const draw = claimSource(readReplies(), 'heldout')
    return Array.from({ length: CALIBRATION_CLAIMS }, () => draw(random))
  }
  return random.shuffle(judgedPart(await readJudged(judged), 'heldout', seed as number)).slice(0, CALIBRATION_CLAIMS)
}

/** The temperature and the abstention of the classifier in a folder. */
async function calibrated(folder: string, claims: readonly Claim[]): Promise<CriticEntry> {
  const encoder = await openLogits(await loadBundle(folder), { threads: 1 })
  const labelled = await logitsOf(encoder, claims)
  encoder.close()
  const temperature = fitTemperature(labelled)
  const said = labelled.map(({ logits, label }) => {
    const probabilities = tempered(logits, temperature)
    const verdict = probabilities[0]! > probabilities[1]! ? 0 : 1
    return { probability: probabilities[verdict]!, isRight: verdict === label }
  })
  const least = Math.max(0.5, leastProbability(said, RISK))
  return { temperature, leastProbability: least, readsQuestion: true }
}

/** The logits of claims, with their labels. */
export async function logitsOf(
  encoder: Pick<Embedder, 'encodePair' | 'embed'>,
  claims: readonly Claim[],
): Promise<Labelled[]> {
  const logits = await encoder.embed(claims.map((claim) => encoder.encodePair(...textsOf(claim))))
  return claims.map(({ label }, at) => ({ logits: logits[at]!, label: VERDICT_LABELS.indexOf(label) }))
}
