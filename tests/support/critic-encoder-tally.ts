/** The critic's encoder over whole items: its verdicts, alone and after the rules, with scores for curves. */
import { sentencesOf } from '../../server/memory/facts/sentences.ts'
import { checkReply } from '../../server/critic/check-reply.ts'
import type { ClaimEncoder } from '../../server/critic/encoder/claim-encoder.ts'
import { encodeVerdicts } from '../../server/critic/encoder/encode-verdicts.ts'
import type { SentenceVerdict } from '../../server/critic/verdict.ts'
import {
  surest,
  tempered,
  VERDICT_LABELS,
  pairText,
  type ClaimProbabilities,
  type CriticEntry,
} from '../../runtime/critic.ts'
import type { Embedder } from '../../runtime/embedder.ts'
import type { CriticItem, Expected } from './critic-pairs.ts'

/** The encoder in this thread, with how it is read. */
export interface LocalEncoder {
  readonly encoder: Embedder
  readonly entry: CriticEntry
}

/** What the encoder says of each pair. */
export async function probabilitiesOf(
  { encoder, entry }: LocalEncoder,
  pairs: readonly (readonly [evidence: string, question: string, sentence: string])[],
): Promise<ClaimProbabilities[]> {
  const texts = pairs.map(([evidence, question, sentence]) =>
    encoder.encodePair(evidence, pairText(question, sentence)),
  )
  return (await encoder.embed(texts)).map((logits) => {
    const probabilities = tempered(logits, entry.temperature)
    return Object.fromEntries(
      VERDICT_LABELS.map((label, at) => [label, probabilities[at]!]),
    ) as unknown as ClaimProbabilities
  })
}

/** The encoder as the server has it, without a thread. */
export function localClaimEncoder(local: LocalEncoder): ClaimEncoder {
  return {
    name: 'local',
    async judge({ question, sentence, evidence }) {
      const found = await probabilitiesOf(
        local,
        evidence.map(({ text }) => [text, question, sentence] as const),
      )
      return surest(
        found.map((probabilities, at) => ({ evidence: evidence[at]!, probabilities })),
        local.entry.leastProbability,
      )
    },
  }
}

/** What an item is given by the encoder alone. */
export interface Judged {
  readonly verdict: Expected
  /** The larger, the more it is contradicted. */
  readonly score: number
  /** Of the label that is likeliest by the evidence that says most. */
  readonly confidence: number
  readonly likeliest: Expected
}

/** The encoder alone over every sentence of a reply and every fact that holds. */
export async function judge(local: LocalEncoder, { question, reply, facts }: CriticItem): Promise<Judged> {
  const holding = facts.filter(({ holds }) => holds)
  const sentences = sentencesOf(reply)
  const pairs = sentences.flatMap(({ text }) => holding.map((fact) => [fact.text, question, text] as const))
  if (pairs.length === 0) return { verdict: 'unchecked', score: 0, confidence: 1, likeliest: 'unchecked' }
  const found = await probabilitiesOf(local, pairs)
  const most = (label: 'supported' | 'contradicted'): number => Math.max(...found.map((one) => one[label]))
  const [supported, contradicted] = [most('supported'), most('contradicted')]
  const unchecked = Math.min(...found.map((one) => one.unchecked))
  const best = Math.max(supported, contradicted, unchecked)
  const likeliest = best === unchecked ? 'unchecked' : supported > contradicted ? 'supported' : 'contradicted'
  const each = sentences.map((_, at) =>
    surest(
      found
        .slice(at * holding.length, (at + 1) * holding.length)
        .map((probabilities) => ({ evidence: null, probabilities })),
      local.entry.leastProbability,
    ),
  )
  const has = (verdict: string): boolean => each.some((one) => one?.verdict === verdict)
  const verdict = has('contradicted') ? 'contradicted' : has('supported') ? 'supported' : 'unchecked'
  return { verdict, score: contradicted - supported, confidence: best, likeliest }
}

/** The verdicts of the rules, then of the encoder, as the server gives them. */
export async function ruledAndEncoded(local: LocalEncoder, item: CriticItem): Promise<SentenceVerdict[]> {
  return encodeVerdicts(localClaimEncoder(local), 'bench', item, checkReply(item))
}

/** One verdict of a whole reply. */
export function overallOf(verdicts: readonly SentenceVerdict[]): Expected {
  if (verdicts.some(({ verdict }) => verdict === 'contradicted')) return 'contradicted'
  if (verdicts.some(({ invented }) => invented)) return 'invented'
  return verdicts.some(({ verdict }) => verdict === 'supported') ? 'supported' : 'unchecked'
}

/** The 95 % interval of an F1 by resampling items (Efron and Tibshirani 1993). */
export function f1Interval(
  pairs: readonly (readonly [isThere: boolean, isSaid: boolean])[],
  random: { int(most: number): number },
  rounds = 1000,
): { readonly f1: number; readonly interval: readonly [number, number] } {
  const f1 = (sample: typeof pairs): number => {
    const both = sample.filter(([there, said]) => there && said).length
    const sum = sample.filter(([there]) => there).length + sample.filter(([, said]) => said).length
    return sum === 0 ? 0 : (2 * both) / sum
  }
  const drawn = Array.from({ length: rounds }, () => f1(pairs.map(() => pairs[random.int(pairs.length)]!))).toSorted(
    (a, b) => a - b,
  )
  return { f1: f1(pairs), interval: [drawn[Math.floor(rounds * 0.025)]!, drawn[Math.floor(rounds * 0.975)]!] }
}
