/** The encoder of the critic: how probable it is that a sentence holds by each of several sentences of evidence. */
import {
  pairText,
  surest,
  tempered,
  UNCALIBRATED,
  verdictLogits,
  type VerdictLabel,
  type ClaimProbabilities,
  type CriticEntry,
  type JudgedEvidence,
} from '../../../runtime/critic.ts'
import type { Bundle } from '../../../runtime/bundle.ts'
import { ConfigError } from '../../config-error.ts'
import type { EmbedderThread, OpenEmbedder } from '../../embedding/embedders.ts'
import { openClassifier } from '../../embedding/open-classifier.ts'
import type { MemoryBudget } from '../../memory-budget.ts'
import { inFirstPerson } from '../person.ts'

/** Milliseconds after which an answer is waited for no longer: the sentence is then an error. */
const PATIENCE_MS = 5_000

/** A sentence of a reply, the question that it answers, and what it may hold by. */
export interface EncodedClaim<E extends { readonly text: string }> {
  readonly owner: string
  readonly question: string
  readonly sentence: string
  readonly evidence: readonly E[]
}

export interface ClaimEncoder {
  readonly name: string
  /** Rejects where the encoder fails. */
  judge<E extends { readonly text: string }>(claim: EncodedClaim<E>): Promise<ReturnType<typeof surest<E>>>
}

/** How a bundle's classifier is read. Throws ConfigError where its labels are not those of a critic. */
export function criticOf({ manifest: { name, classifier, critic } }: Pick<Bundle, 'manifest'>): {
  readonly entry: CriticEntry
  readonly logits: Readonly<Record<VerdictLabel, number>>
} {
  if (classifier?.task !== 'sequence')
    throw new ConfigError(`--critic: ${name}: expected a bundle with a classifier of pairs of texts, got one without`)
  const logits = verdictLogits(classifier.labels)
  if (!logits)
    throw new ConfigError(
      `--critic: ${name}: expected the labels entailment, contradiction and neutral, got ${classifier.labels.join(', ')}`,
    )
  return { entry: critic ?? UNCALIBRATED, logits }
}

/** The encoder of a bundle, run by `open`. */
export function createClaimEncoder(bundle: Pick<Bundle, 'manifest'>, open: OpenEmbedder): ClaimEncoder {
  const { entry, logits } = criticOf(bundle)
  const { temperature, leastProbability, readsQuestion } = entry
  // Others have learned of hypotheses that say the same as their premise, by the same person.
  const said = (question: string, sentence: string): string =>
    readsQuestion ? pairText(question, sentence) : inFirstPerson(sentence)
  return {
    name: bundle.manifest.name,
    async judge({ owner, question, sentence, evidence }) {
      if (evidence.length === 0) return null
      const inputs = evidence.map(({ text }) => ({ first: text, second: said(question, sentence) }))
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const { vectors } = await open.embed(inputs, { owner, keep: Number.MAX_SAFE_INTEGER, signal })
      const judged = vectors.map((vector, at): JudgedEvidence<(typeof evidence)[number]> => {
        return { evidence: evidence[at]!, probabilities: probabilitiesOf(tempered(vector, temperature), logits) }
      })
      return surest(judged, leastProbability)
    },
  }
}

function probabilitiesOf(
  probabilities: readonly number[],
  logits: ReturnType<typeof criticOf>['logits'],
): ClaimProbabilities {
  const of = (verdict: VerdictLabel): number => probabilities[logits[verdict]]!
  return { supported: of('supported'), contradicted: of('contradicted'), unchecked: of('unchecked') }
}

/** The encoder in a thread of its own. Throws where there is no room for it within the budget, or it cannot be opened. */
export async function startCritic(bundle: Bundle, thread: EmbedderThread, budget: MemoryBudget): Promise<ClaimEncoder> {
  const words = { what: 'the critic', otherwise: ', or check by --critic rules' }
  return createClaimEncoder(bundle, await openClassifier(bundle, thread, budget, words))
}
