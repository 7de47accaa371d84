/** How surely a sentence of the user answers a question of theirs. */
import { tellsNothingElse } from './likeness.ts'
import { FEATURES, pairFeatures } from './pair.ts'
import type { Question } from './question.ts'
import { WEIGHTS } from './weights.ts'

/** From here on a sentence answers: chosen on the lines that the weights were fitted to. */
export const LEAST_SURE = 0.45

/** A sentence without so much of what is asked is like an answer, and none for sure. */
const [MOST_ASKED, LIKE_IT] = [0.75, 0.65]

/** 0 to 1; 0 where the sentence says nothing but what is asked. `topic` as of pairFeatures. */
export function answers(question: Question, text: string, topic: number | null): number {
  if (tellsNothingElse(question, text)) return 0
  const features = pairFeatures(question, text, topic)
  // A person who is asked about has to be named: people's lines are too few to learn it.
  if (features.otherBeing === 1) return 0
  const sum = FEATURES.reduce((all, name) => all + WEIGHTS[name] * features[name], 0)
  const sure = 1 / (1 + Math.exp(-sum))
  // People's lines have few sentences beside the one that answers; a long history has one that is like any question.
  return features.coverage < MOST_ASKED ? Math.min(sure, LIKE_IT) : sure
}
