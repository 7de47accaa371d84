/** What a classifier's logits say of a message: which of written replies fits it. */
import { z } from 'zod'
import { tempered } from './critic.ts'

/** Labels of what is no small talk: what users tell of themselves, what they ask of themselves, and a remark that no reply fits. */
export const [NOTED, NOT_TOLD, SEEN] = ['Okay, I will remember that.', 'You have not told me that.', 'I see.'] as const

/** The entry `smallTalk` of a manifest: how a classifier whose labels are replies is read. */
export const smallTalkEntry = z.object({
  /** By which logits are divided before they are probabilities. */
  temperature: z.number().positive(),
  /** A reply that is less probable than this is not given. */
  leastProbability: z.number().min(0).max(1),
  /** The reply to any message of the label's kind; labels with the same one are of one kind. */
  general: z.array(z.string().min(1)),
  /** The general reply of a kind that is less probable than this is not given. */
  leastOfKind: z.number().min(0).max(1),
})
export type SmallTalkEntry = z.infer<typeof smallTalkEntry>

export interface FittingReply {
  readonly text: string
  readonly probability: number
}

/** The likeliest reply, and the likeliest kind's general one. */
export function likeliestReplies(
  logits: ArrayLike<number>,
  labels: readonly string[],
  { temperature, general }: Pick<SmallTalkEntry, 'temperature' | 'general'>,
): { readonly own: FittingReply; readonly general: FittingReply } {
  const probabilities = tempered(logits, temperature)
  const ofKind = new Map<string, number>()
  for (const [label, probability] of probabilities.entries())
    ofKind.set(general[label]!, (ofKind.get(general[label]!) ?? 0) + probability)
  const most = probabilities.reduce((best, probability, at) => (probability > probabilities[best]! ? at : best), 0)
  const [text, probability] = [...ofKind].toSorted(([, a], [, b]) => b - a)[0]!
  return { own: { text: labels[most]!, probability: probabilities[most]! }, general: { text, probability } }
}

/** The reply that fits a message; null where neither one nor a kind is as probable as it has to be. */
export function fittingReply(
  logits: ArrayLike<number>,
  labels: readonly string[],
  entry: SmallTalkEntry,
): FittingReply | null {
  const { own, general } = likeliestReplies(logits, labels, entry)
  if (own.probability >= entry.leastProbability) return own
  return general.probability >= entry.leastOfKind ? general : null
}
