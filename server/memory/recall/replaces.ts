/** How surely a sentence takes the place of one that was told before it, as the answer to a question. */
import { MAX_SENTENCE } from '../facts/sentences.ts'
import type { Question } from './question.ts'
import { replacementFeatures, REPLACEMENT_FEATURES, type Next } from './replacement.ts'
import { REPLACEMENT_WEIGHTS } from './replacement-weights.ts'

/** 0 to 1; 0 where one of them is longer than any sentence that is told: the features take time with its length. */
export function replaces(question: Question, said: string, next: Next): number {
  if (Math.max(said.length, next.text.length) > MAX_SENTENCE) return 0
  const features = replacementFeatures(question, said, next)
  const sum = REPLACEMENT_FEATURES.reduce((all, name) => all + REPLACEMENT_WEIGHTS[name] * features[name], 0)
  return 1 / (1 + Math.exp(-sum))
}
