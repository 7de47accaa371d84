/** How surely a sentence takes the place of one that was told before it, as the answer to a question. */
import { MAX_SENTENCE } from '../facts/sentences.ts'
import { isReaction } from '../facts/starred.ts'
import type { Question } from './question.ts'
import { replacementFeatures, REPLACEMENT_FEATURES, type Next, type ReplacementFeatures } from './replacement.ts'
import { fittedTrees, likelihood } from './trees.ts'

/** Written by tests/bench/replacement-trees.ts. */
const treesFor = fittedTrees<'reader' | 'words'>('replaces.json', REPLACEMENT_FEATURES)

/** 0 to 1; 0 where one of them is longer than any sentence that is told: the features take time with its length. */
export function replaces(question: Question, said: string, next: Next): number {
  if (Math.max(said.length, next.text.length) > MAX_SENTENCE || isReaction(next.text)) return 0
  const features = replacementFeatures(question, said, next)
  if (!mayReplace(features)) return 0
  return likelihood(
    treesFor()[typeof next.read === 'number' ? 'reader' : 'words'],
    REPLACEMENT_FEATURES.map((name) => features[name]),
  )
}

/** How much of what is asked a sentence has to name to say it anew. */
const ASKED = 0.3
/** From here on a reader says that it takes the place: odds of three to one. */
const SURELY_READ = 0.55

/**
 * People go on about a subject far more often than they correct themselves: "he keeps bees" after "he was the surveyor". So a sentence
 * has to say that something is other than it was, or say anew what is asked.
 */
function mayReplace(f: ReplacementFeatures): boolean {
  // "Make that 800" is said of what was told just before, which was something else.
  if (f.isNext === 0 && f.isTiny === 1 && OF_THE_SAME.every((name) => f[name] === 0)) return false
  if (f.read >= SURELY_READ) return true
  if (OF_CHANGE.some((name) => f[name] === 1)) return true
  // Right after it a few words are enough, but for those that have nothing of what is asked.
  if (f.isNext === 1) return f.lacksKind === 0 || (f.isTiny === 1 && f.ofUser === 0)
  const hasValue = f.holdsKind === 1 || f.definiteValue === 1 || f.numberValue === 1 || f.nameValue === 1
  return hasValue && f.sharedAsked >= ASKED
}

const OF_THE_SAME = ['sharedTopic', 'sharedAsked', 'namesOld', 'isRespelled', 'holdsKind'] as const

const OF_CHANGE = [
  'changes',
  'corrects',
  'corrected',
  'isNow',
  'isRespelled',
  'turnChanges',
  'turnNamesOld',
  'isOldOff',
] as const
