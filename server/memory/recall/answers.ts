/** How surely a sentence of the user answers a question of theirs. */
import { tellsNothingElse } from './fit.ts'
import { FEATURES, pairFeatures } from './pair.ts'
import type { Question } from './question.ts'
import { WEIGHTS } from './weights.ts'

/** 0 to 1; 0 where the sentence says nothing but what is asked. `topic` as of pairFeatures. */
export function answers(question: Question, text: string, topic: number | null): number {
  if (tellsNothingElse(question, text)) return 0
  const features = pairFeatures(question, text, topic)
  const sum = FEATURES.reduce((all, name) => all + WEIGHTS[name] * features[name], 0)
  return 1 / (1 + Math.exp(-sum))
}
