/** The decision trees by which memories are weighed, and the fit that makes them. */
import { expect, test } from 'vitest'
import { FEATURES } from '../../../server/memory/recall/pair.ts'
import { fittedTrees, likelihood } from '../../../server/memory/recall/trees.ts'
import { Random } from '../../../trainer/random.ts'
import { fitTrees, type Example, type TreeOptions } from '../../support/boosted-trees.ts'

const OPTIONS: TreeOptions = { trees: 60, leaves: 6, rate: 0.2, decay: 1, least: 5, directions: [0, 0, 0] }

/** Examples with three features of 0 to 1, right where `isRight` says so but for one in ten. */
function noisy(isRight: (x: readonly number[]) => boolean, count = 1500): Example[] {
  const random = new Random('trees')
  return Array.from({ length: count }, () => {
    const x = [random.uniform(), random.uniform(), random.uniform()]
    return { x, isRight: isRight(x) !== random.chance(0.1), weight: 1 }
  })
}

test('they learn what no sum of weights can: that one of two features says it, not both', () => {
  const either = ([a, b]: readonly number[]): boolean => a! > 0.5 !== b! > 0.5
  const trees = fitTrees(noisy(either), OPTIONS)
  for (const a of [0.1, 0.3, 0.7, 0.9])
    for (const b of [0.1, 0.3, 0.7, 0.9]) expect(likelihood(trees, [a, b, 0.5]) > 0.5).toBe(either([a, b]))
})

test('more of a feature with a direction never makes an example less likely, whatever the examples say', () => {
  const examples = noisy(([a, b]) => Math.abs(a! - 0.4) + b! > 0.7)
  const at = (trees: ReturnType<typeof fitTrees>, a: number, b: number): number => likelihood(trees, [a, b, 0.2])
  const steps = Array.from({ length: 50 }, (_, i) => i / 49)
  const falls = (trees: ReturnType<typeof fitTrees>): boolean =>
    steps.some((b) => steps.some((a, i) => i > 0 && at(trees, a, b) < at(trees, steps[i - 1]!, b) - 1e-9))
  expect(falls(fitTrees(examples, OPTIONS))).toBe(true)
  expect(falls(fitTrees(examples, { ...OPTIONS, directions: [1, 0, 0] }))).toBe(false)
})

test('a feature that is left out decides nothing, and the same examples give the same trees', () => {
  const examples = noisy(([a, , c]) => a! + c! > 1)
  const trees = fitTrees(examples, OPTIONS, new Set([2]))
  expect(likelihood(trees, [0.6, 0.5, 0])).toBe(likelihood(trees, [0.6, 0.5, 1]))
  expect(fitTrees(examples, OPTIONS, new Set([2]))).toEqual(trees)
})

test('the files are refused where they were fitted to other features', () => {
  expect(Object.keys(fittedTrees('answers.json', FEATURES)())).toEqual(['reader', 'embedder', 'words'])
  expect(() => fittedTrees('answers.json', [...FEATURES, 'length'])()).toThrow(/answers\.json .*fit them anew/s)
})
