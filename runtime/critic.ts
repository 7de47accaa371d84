/** What a classifier's logits say of a claim: probabilities by verdict, calibrated, with a band in which nothing is said. */
import { z } from 'zod'

/** By the order of `ClaimProbabilities`. */
export const VERDICT_LABELS = ['supported', 'contradicted', 'unchecked'] as const
export type VerdictLabel = (typeof VERDICT_LABELS)[number]
export type ClaimProbabilities = Readonly<Record<VerdictLabel, number>>

/** The entry `critic` of a manifest: how a classifier of pairs is read as a critic. */
export const criticEntry = z.object({
  /** By which logits are divided before they are probabilities (Guo et al. 2017, arXiv 1706.04599). */
  temperature: z.number().positive(),
  /** A verdict that is less probable than this is none. */
  leastProbability: z.number().min(0).max(1),
  /** Whether the question stands before the sentence in the second text. */
  readsQuestion: z.boolean(),
})
export type CriticEntry = z.infer<typeof criticEntry>

/** Of a classifier that does not say: as natural language inference is used elsewhere. */
export const UNCALIBRATED: CriticEntry = { temperature: 1, leastProbability: 0.8, readsQuestion: false }

/** Names that published classifiers of pairs give to the three. */
const NAMES: Readonly<Record<VerdictLabel, readonly string[]>> = {
  supported: ['supported', 'entailment', 'entails', 'supports'],
  contradicted: ['contradicted', 'contradiction', 'contradicts', 'refutes'],
  unchecked: ['unchecked', 'neutral', 'not enough info'],
}

/** The number of the logit of each verdict; null where the labels are others. */
export function verdictLogits(labels: readonly string[]): Readonly<Record<VerdictLabel, number>> | null {
  const at = VERDICT_LABELS.map((verdict) =>
    labels.findIndex((label) => NAMES[verdict].includes(label.toLowerCase().replaceAll('_', ' '))),
  )
  const [supported = -1, contradicted = -1, unchecked = -1] = at
  return at.includes(-1) || labels.length !== VERDICT_LABELS.length ? null : { supported, contradicted, unchecked }
}

/** The question and a sentence of the reply as one text; the sentence alone where nothing was asked. */
export const pairText = (question: string, sentence: string): string =>
  question === '' ? sentence : `${question} | ${sentence}`

/** Probabilities of logits divided by a temperature. */
export function tempered(logits: ArrayLike<number>, temperature: number): number[] {
  const scaled = Array.from(logits, (logit) => logit / temperature)
  const most = Math.max(...scaled)
  const weights = scaled.map((logit) => Math.exp(logit - most))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}

/** Sentences of evidence with what the encoder says of the claim by each. */
export interface JudgedEvidence<E> {
  readonly evidence: E
  readonly probabilities: ClaimProbabilities
}

/** The verdict that is surest by any sentence of evidence; null where none is as probable as it has to be. */
export function surest<E>(
  judged: readonly JudgedEvidence<E>[],
  leastProbability: number,
): { readonly verdict: 'supported' | 'contradicted'; readonly probability: number; readonly evidence: E } | null {
  const all = judged.flatMap(({ evidence, probabilities }) =>
    (['supported', 'contradicted'] as const).map((verdict) => {
      return { verdict, probability: probabilities[verdict], evidence }
    }),
  )
  const best = all.toSorted((a, b) => b.probability - a.probability)[0]
  return best && best.probability >= leastProbability ? best : null
}
