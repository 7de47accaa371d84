/**
 * Gradient boosted trees for the odds that an example is right (Friedman 2001; histograms and growth by the best leaf as in LightGBM,
 * Ke et al. 2017). No chance is in it: the same examples give the same trees.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Tree } from '../../server/memory/recall/trees.ts'

export interface Example {
  readonly x: readonly number[]
  readonly isRight: boolean
  /** How much it counts among those of its kind. */
  readonly weight: number
}

export interface TreeOptions {
  readonly trees: number
  readonly leaves: number
  readonly rate: number
  /** What the square of a leaf's value costs. */
  readonly decay: number
  /** Weight of examples that a leaf has at least. */
  readonly least: number
  /** Of each feature: 1 where more of it never makes an example less likely, -1 never more likely, else 0. */
  readonly directions: readonly number[]
}

/** Values of a feature are told apart by at most so many steps. */
const BINS = 48

interface Binned {
  /** Of each feature the values at which steps end, and of each example its step. */
  readonly edges: readonly (readonly number[])[]
  readonly steps: readonly Uint8Array[]
}

interface Leaf {
  readonly rows: Int32Array
  readonly value: number
  readonly least: number
  readonly most: number
  readonly split: Split | null
}

interface Split {
  readonly gain: number
  readonly feature: number
  readonly step: number
  readonly left: number
  readonly right: number
}

/** Right and wrong examples count the same in all. `left`: features that no tree may ask for. */
export function fitTrees(
  examples: readonly Example[],
  options: TreeOptions,
  left: ReadonlySet<number> = new Set(),
): Tree[] {
  const fit = new Fit(examples, options, left)
  return Array.from({ length: options.trees }, () => fit.grow())
}

/** Writes trees where the server reads them, one a line. */
export function writeTrees(
  file: string,
  features: readonly string[],
  trees: Readonly<Record<string, readonly Tree[]>>,
): void {
  const lists = Object.entries(trees).map(
    ([name, all]) => `"${name}": [\n${all.map((tree) => JSON.stringify(tree)).join(',\n')}\n]`,
  )
  const text = `{\n"features": ${JSON.stringify(features)},\n"trees": {\n${lists.join(',\n')}\n}\n}\n`
  writeFileSync(fileURLToPath(new URL(`../../models/pretrained/recall/${file}`, import.meta.url)), text)
}

class Fit {
  readonly #options: TreeOptions
  readonly #used: readonly number[]
  readonly #binned: Binned
  readonly #targets: Uint8Array
  readonly #weights: Float64Array
  readonly #odds: Float64Array
  readonly #gradient: Float64Array
  readonly #curvature: Float64Array

  constructor(examples: readonly Example[], options: TreeOptions, left: ReadonlySet<number>) {
    const sumOf = (is: boolean): number =>
      examples.reduce((sum, { isRight, weight }) => sum + (isRight === is ? weight : 0), 0)
    const [right, wrong] = [sumOf(true), sumOf(false)]
    this.#options = options
    this.#used = [...examples[0]!.x.keys()].filter((feature) => !left.has(feature))
    this.#binned = binned(examples.map(({ x }) => x))
    this.#targets = Uint8Array.from(examples, ({ isRight }) => Number(isRight))
    this.#weights = Float64Array.from(
      examples,
      ({ isRight, weight }) => (weight * (right + wrong)) / 2 / (isRight ? right : wrong),
    )
    this.#odds = new Float64Array(examples.length)
    this.#gradient = new Float64Array(examples.length)
    this.#curvature = new Float64Array(examples.length)
  }

  /** One more tree, for what the trees before get wrong. */
  grow(): Tree {
    for (let row = 0; row < this.#odds.length; row++) {
      const sure = 1 / (1 + Math.exp(-this.#odds[row]!))
      this.#gradient[row] = this.#weights[row]! * (this.#targets[row]! - sure)
      this.#curvature[row] = this.#weights[row]! * sure * (1 - sure)
    }
    const root = this.#leaf(Int32Array.from(this.#odds.keys()), 0, -Infinity, Infinity)
    const tree = this.#grown([root])
    return rounded(tree, this.#options.rate)
  }

  /** Splits the leaf that gains the most, until there are as many as may be. */
  #grown(leaves: Leaf[]): Tree {
    const nodes = new Map<Leaf, readonly [Split, Leaf, Leaf]>()
    const [root] = leaves
    while (leaves.length < this.#options.leaves) {
      const best = leaves.reduce((a, b) => ((b.split?.gain ?? 0) > (a.split?.gain ?? 0) ? b : a))
      const { split } = best
      if (!split) break
      const [left, right] = this.#children(best, split)
      nodes.set(best, [split, left, right])
      leaves.splice(leaves.indexOf(best), 1, left, right)
    }
    for (const { rows, value } of leaves) for (const row of rows) this.#odds[row]! += this.#options.rate * value
    const built = (leaf: Leaf): Tree => {
      const node = nodes.get(leaf)
      if (!node) return leaf.value
      const [{ feature, step }, left, right] = node
      return [feature, this.#binned.edges[feature]![step]!, built(left), built(right)]
    }
    return built(root!)
  }

  #children({ rows, least, most }: Leaf, { feature, step, left, right }: Split): [Leaf, Leaf] {
    const steps = this.#binned.steps[feature]!
    const direction = this.#options.directions[feature]!
    const middle = (left + right) / 2
    const low = rows.filter((row) => steps[row]! <= step)
    const high = rows.filter((row) => steps[row]! > step)
    return [
      this.#leaf(low, left, direction < 0 ? middle : least, direction > 0 ? middle : most),
      this.#leaf(high, right, direction > 0 ? middle : least, direction < 0 ? middle : most),
    ]
  }

  #leaf(rows: Int32Array, value: number, least: number, most: number): Leaf {
    return { rows, value, least, most, split: this.#bestSplit(rows, least, most) }
  }

  #bestSplit(rows: Int32Array, least: number, most: number): Split | null {
    const { decay, least: leastWeight, directions } = this.#options
    const clamped = (value: number): number => Math.min(most, Math.max(least, value))
    let best: Split | null = null
    for (const feature of this.#used) {
      const [steps, edges] = [this.#binned.steps[feature]!, this.#binned.edges[feature]!]
      const sums = new Float64Array(3 * edges.length)
      const all = [0, 0, 0]
      for (const row of rows) {
        const at = 3 * steps[row]!
        sums[at]! += this.#gradient[row]!
        sums[at + 1]! += this.#curvature[row]!
        sums[at + 2]! += this.#weights[row]!
      }
      for (let at = 0; at < sums.length; at++) all[at % 3]! += sums[at]!
      const gainOf = (gradient: number, curvature: number, value: number): number =>
        gradient * value - ((curvature + decay) * value * value) / 2
      const whole = gainOf(all[0]!, all[1]!, clamped(all[0]! / (all[1]! + decay)))
      let [gradient, curvature, weight] = [0, 0, 0]
      for (let step = 0; step + 1 < edges.length; step++) {
        gradient += sums[3 * step]!
        curvature += sums[3 * step + 1]!
        weight += sums[3 * step + 2]!
        if (weight < leastWeight || all[2]! - weight < leastWeight) continue
        const left = clamped(gradient / (curvature + decay))
        const right = clamped((all[0]! - gradient) / (all[1]! - curvature + decay))
        if (directions[feature]! * (right - left) < 0) continue
        const gain = gainOf(gradient, curvature, left) + gainOf(all[0]! - gradient, all[1]! - curvature, right) - whole
        if (gain > (best?.gain ?? 1e-9)) best = { gain, feature, step, left, right }
      }
    }
    return best
  }
}

function binned(rows: readonly (readonly number[])[]): Binned {
  const width = rows[0]!.length
  const edges = Array.from({ length: width }, (_, feature) => {
    const values = rows.map((x) => x[feature]!).toSorted((a, b) => a - b)
    const ends = Array.from({ length: BINS }, (__, i) => values[Math.ceil(((i + 1) * values.length) / BINS) - 1]!)
    return [...new Set(ends)]
  })
  const steps = edges.map((ends, feature) =>
    Uint8Array.from(rows, (x) => {
      const step = ends.findIndex((end) => x[feature]! <= end)
      return step < 0 ? ends.length - 1 : step
    }),
  )
  return { edges, steps }
}

/** With as many digits as count. */
function rounded(tree: Tree, rate: number): Tree {
  if (typeof tree === 'number') return Number((tree * rate).toFixed(4))
  const [feature, upTo, left, right] = tree
  return [feature, Number(upTo.toPrecision(6)), rounded(left, rate), rounded(right, rate)]
}
