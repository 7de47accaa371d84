/** How surely a sentence takes the place of one that was told before it, as the answer to a question. */
import { MAX_SENTENCE } from '../facts/sentences.ts'
import type { Question } from './question.ts'
import { replacementFeatures, REPLACEMENT_FEATURES, type Next, type ReplacementFeatures } from './replacement.ts'
import { REPLACEMENT_WEIGHTS } from './replacement-weights.ts'

/** 0 to 1; 0 where one of them is longer than any sentence that is told: the features take time with its length. */
export function replaces(question: Question, said: string, next: Next): number {
  if (Math.max(said.length, next.text.length) > MAX_SENTENCE) return 0
  const features = replacementFeatures(question, said, next)
  if (goesOn(features)) return 0
  const sum = REPLACEMENT_FEATURES.reduce((all, name) => all + REPLACEMENT_WEIGHTS[name] * features[name], 0)
  return 1 / (1 + Math.exp(-sum))
}

/** "I sing alto", after when the choir meets: it has nothing of what is asked, and does not say that anything is other than it was. */
function goesOn(features: ReplacementFeatures): boolean {
  return features.lacksKind === 1 && OF_CHANGE.every((name) => features[name] === 0)
}

const OF_CHANGE = [
  'changes',
  'corrects',
  'corrected',
  'isNow',
  'isOldOff',
  'namesOld',
  'isRespelled',
  'turnChanges',
  'turnNamesOld',
  'byFollowUp',
  'isTiny',
  'isFragment',
] as const
