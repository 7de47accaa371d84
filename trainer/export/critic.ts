/** Exports the critic's encoder: a bundle with a classifier of pairs, calibrated on claims that training has not seen. */
import type { Imported } from '../../exporter/import/import-options.ts'
import { criticOptions } from '../../models/architectures/critic.ts'
import { criticEncoder } from '../../models/architectures/critic-encoder.ts'
import { VERDICT_LABELS, tempered, type CriticEntry } from '../../runtime/critic.ts'
import type { Embedder } from '../../runtime/embedder.ts'
import { textsOf, type Claim } from '../data/claims/claim.ts'
import { judgedPart, readJudged } from '../data/claims/judged.ts'
import { claimSource } from '../data/claims/pairs.ts'
import { readReplies } from '../data/notes/replies.ts'
import { fitTemperature, leastProbability, type Labelled } from '../evaluate/calibration.ts'
import { Random } from '../random.ts'
import { exportClassifier, type ClassifierExport } from './classifier.ts'
import type { Trained } from './weights.ts'

const CALIBRATION_CLAIMS = 2000
/** What may be wrong of the verdicts that are given, on the claims of the calibration. */
const RISK = 0.05
const UNCALIBRATED: CriticEntry = { temperature: 1, leastProbability: 0, readsQuestion: true }

/** Writes the bundle. Throws ImportError where its graph does not run as it should, ConfigError for other labels. */
export function exportCritic(trained: Trained, options: ClassifierExport): Promise<Imported> {
  return exportClassifier(
    trained,
    {
      encoder: criticEncoder.model(criticOptions(trained.model.config)),
      labels: VERDICT_LABELS,
      file: 'critic.onnx',
      uncalibrated: { critic: UNCALIBRATED },
      calibrate: async (encoder) => ({
        critic: calibrated(await logitsOf(encoder, await heldOutClaims(trained.config))),
      }),
    },
    options,
  )
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

/** The temperature and the abstention of the classifier. */
function calibrated(labelled: readonly Labelled[]): CriticEntry {
  const temperature = fitTemperature(labelled)
  const said = labelled.map(({ logits, label }) => {
    const probabilities = tempered(logits, temperature)
    const verdict = probabilities[0]! > probabilities[1]! ? 0 : 1
    return { probability: probabilities[verdict]!, isRight: verdict === label }
  })
  return { temperature, leastProbability: Math.max(0.5, leastProbability(said, RISK)), readsQuestion: true }
}

/** The logits of claims, with their labels. */
export async function logitsOf(
  encoder: Pick<Embedder, 'encodePair' | 'embed'>,
  claims: readonly Claim[],
): Promise<Labelled[]> {
  const logits = await encoder.embed(claims.map((claim) => encoder.encodePair(...textsOf(claim))))
  return claims.map(({ label }, at) => ({ logits: logits[at]!, label: VERDICT_LABELS.indexOf(label) }))
}
