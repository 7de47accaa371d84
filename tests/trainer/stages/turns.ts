/** Turns of a toy table, for tests of the controller's training. */
import { FEATURE_NAMES, GATES } from '../../../runtime/controller-features.ts'
import type { Outcomes, Run } from '../../../trainer/stages/environment/outcomes.ts'
import { combinationOf, COMBINATIONS, isOpen } from '../../../trainer/stages/controller/reward.ts'
import { turnOf, type Turn } from '../../../trainer/stages/controller/turns.ts'

export const only = (...open: readonly string[]): number => combinationOf(GATES.map((gate) => open.includes(gate)))

/** A turn whose first feature is `feature`; the semantic gate alone can be opened, and `rightWhen` says what is right. */
export function toyTurn(user: number, feature: number, rightWhen: (isSemantic: boolean) => boolean): Turn {
  const free = only('semantic')
  const run = (combination: number): Run => ({
    isRight: rightWhen(isOpen(combination, 'semantic')),
    tokens: 10,
    generated: 5,
    latency: 0,
    modelled: 0,
    reply: '',
  })
  const all = Array.from({ length: COMBINATIONS }, (_, c) => c).filter((c) => (c & free) === c)
  const outcomes: Outcomes = {
    user,
    part: 'train',
    kind: 'told',
    question: '',
    query: [0.5, -0.5, 0.5, 0.5],
    features: FEATURE_NAMES.map((_, i) => (i === 0 ? feature : 0.1)),
    free,
    byThreshold: { ...run(0), combination: 0 },
    runs: Object.fromEntries(all.map((c) => [c, run(c)])),
  }
  return turnOf(outcomes, 1)
}
