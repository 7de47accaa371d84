/** Statistics of what a model taps with `op.tap`: gates, surprise, the probabilities of routers and reads. */
import { entropy } from './statistics.ts'

/** Of all values that were tapped under one name. */
export interface TapResult {
  readonly name: string
  readonly mean: number
  readonly variance: number
  readonly min: number
  readonly max: number
  /** Of probabilities over experts, chapters or rows: which of them are used. */
  readonly usage?: Usage
}

export interface Usage {
  readonly choices: number
  /** exp of the entropy of the mean probabilities: as many are used, on the whole. */
  readonly effective: number
  /** The same entropy by that of equal use: 1 when all are used alike. */
  readonly evenness: number
  /** The mean of exp of the entropy of a single distribution: as many are used at a time. */
  readonly atATime: number
}

interface Sums {
  count: number
  sum: number
  squares: number
  min: number
  max: number
  columns: number
  rows: number
  /** Of each column. */
  total: Float64Array | undefined
  perplexity: number
}

/** Adds up tapped values, under a name for each place in the model. */
export class TapStatistics {
  readonly #sums = new Map<string, Sums>()

  /** Values of a tensor whose last axis has `columns`. */
  add(name: string, values: ArrayLike<number>, columns: number): void {
    const sums = this.#sums.get(name) ?? empty(columns)
    this.#sums.set(name, sums)
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!
      sums.count++
      sums.sum += x
      sums.squares += x * x
      sums.min = Math.min(sums.min, x)
      sums.max = Math.max(sums.max, x)
    }
    for (let at = 0; at < values.length && sums.total; at += columns) addRow(sums, values, at, columns)
  }

  /** In the order in which the names first came. */
  results(): TapResult[] {
    return [...this.#sums].map(([name, sums]) => {
      const { count, sum, squares, min, max, total, rows, columns, perplexity } = sums
      const mean = sum / count
      const common = { name, mean, variance: Math.max(0, squares / count - mean * mean), min, max }
      if (!total) return common
      const spread = entropy(total)
      return {
        ...common,
        usage: {
          choices: columns,
          effective: Math.exp(spread),
          evenness: spread / Math.log(columns),
          atATime: perplexity / rows,
        },
      }
    })
  }
}

function empty(columns: number): Sums {
  const total = columns > 1 ? new Float64Array(columns) : undefined
  return { count: 0, sum: 0, squares: 0, min: Infinity, max: -Infinity, columns, rows: 0, total, perplexity: 0 }
}

/** Adds one row. A row that is no distribution means that none of them is: their usage is dropped. */
function addRow(sums: Sums, values: ArrayLike<number>, at: number, columns: number): void {
  const row = Array.from({ length: columns }, (_, i) => values[at + i]!)
  const sum = row.reduce((a, b) => a + b, 0)
  if (columns !== sums.columns || Math.abs(sum - 1) > 1e-3 || row.some((x) => x < 0)) {
    sums.total = undefined
    return
  }
  for (const [i, x] of row.entries()) sums.total![i]! += x
  sums.rows++
  sums.perplexity += Math.exp(entropy(row))
}
