/** Sums of decision trees over features (Friedman 2001, "Greedy function approximation"), as tests/support/boosted-trees.ts fits them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../runtime/package.ts'

/** A number: what a leaf adds. Else a feature, the value up to which an example goes left, and both ways. */
export type Tree = number | readonly [feature: number, upTo: number, left: Tree, right: Tree]

/** Trees of models/pretrained/recall. */
interface Fitted<Name extends string> {
  /** What features are called, in the order in which trees number them. */
  readonly features: readonly string[]
  readonly trees: Readonly<Record<Name, readonly Tree[]>>
}

/** 0 to 1: how likely an example is right. */
export function likelihood(trees: readonly Tree[], x: ArrayLike<number>): number {
  let odds = 0
  for (const tree of trees) odds += leafOf(tree, x)
  return 1 / (1 + Math.exp(-odds))
}

function leafOf(tree: Tree, x: ArrayLike<number>): number {
  let node = tree
  while (typeof node !== 'number') node = x[node[0]]! <= node[1] ? node[2] : node[3]
  return node
}

/** Reads a file of trees when it is asked for first. Throws where they were fitted to other features. */
export function fittedTrees<Name extends string>(
  file: string,
  features: readonly string[],
): () => Fitted<Name>['trees'] {
  let trees: Fitted<Name>['trees'] | undefined
  return () => (trees ??= readTrees<Name>(file, features))
}

function readTrees<Name extends string>(file: string, features: readonly string[]): Fitted<Name>['trees'] {
  const path = join(packageRoot(), 'models/pretrained/recall', file)
  const fitted = JSON.parse(readFileSync(path, 'utf8')) as Fitted<Name>
  if (fitted.features.join() !== features.join())
    throw new Error(
      `${path} has trees over ${fitted.features.join()}, and features are ${features.join()} now: fit them anew.`,
    )
  return fitted.trees
}
