/** How surely a sentence of the user answers a question of theirs. */
import { tellsNothingElse } from './likeness.ts'
import { leavesOpen } from './nouns.ts'
import { FEATURES, pairFeatures, type Said } from './pair.ts'
import type { Question } from './question.ts'
import { fittedTrees, likelihood } from './trees.ts'
import type { Wanted } from './wanted.ts'

/** From here on a sentence answers: chosen on the lines that the trees were fitted to. */
export const LEAST_SURE = 0.6

/** What has the noun that is asked for and does not say which one is like an answer, and none for sure. */
const LIKE_IT = 0.65

/** What has none of these does not say how many or how much; it may come near. */
const MEASURED: ReadonlySet<Wanted | null> = new Set([
  'count',
  'age',
  'money',
  'dose',
  'height',
  'weight',
  'phone',
  'email',
])
const WITHOUT_MEASURE = 0.55

/** Written by tests/bench/recall-trees.ts. */
const treesFor = fittedTrees<ComparedBy>('answers.json', FEATURES)

/** By what question and sentence were compared: words, an embedder and a reader; the first two; or words. */
type ComparedBy = 'reader' | 'embedder' | 'words'

function comparedBy({ similarity = null, read = null }: Said): ComparedBy {
  if (similarity === null) return 'words'
  return read === null ? 'embedder' : 'reader'
}

/** 0 to 1; 0 where the sentence says nothing but what is asked. */
export function answers(question: Question, said: Said): number {
  if (tellsNothingElse(question, said.text)) return 0
  const features = pairFeatures(question, said)
  // A person who is asked about has to be named, where no reader knows that twins are babies: people's lines are too few to learn it.
  if (features.otherBeing === 1 && (said.read ?? null) === null) return 0
  const sure = likelihood(
    treesFor()[comparedBy(said)],
    FEATURES.map((name) => features[name]),
  )
  if (features.lacks === 1 && MEASURED.has(question.wanted)) return Math.min(sure, WITHOUT_MEASURE)
  return sure > LIKE_IT && leavesOpen(question, said.text) ? LIKE_IT : sure
}
