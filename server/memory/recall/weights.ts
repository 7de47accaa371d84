/** What each feature of a question and a sentence says of the sentence as an answer: written by tests/bench/recall-weights.ts. */
import type { Feature } from './pair.ts'

export const WEIGHTS: Readonly<Record<Feature, number>> = {
  one: -3.08,
  coverage: 1.2,
  exact: 0.87,
  least: 0.94,
  hasFocus: -0.39,
  focus: 0.14,
  focusExact: 0.67,
  meaning: -0.29,
  holds: 0.82,
  lacks: -5.33,
  holdsDefinite: 0.93,
  fresh: 2.49,
  freshShare: -0.24,
  otherBeing: -1.22,
  apart: -3.09,
  missingName: -1.81,
  numberAsked: -1.3,
  holdsOfKind: 1.4,
  specified: 0.55,
  namesIt: 1.36,
  counted: 0.51,
  ofSelf: 0.47,
  topic: 2.59,
  otherTopic: -1.96,
}
