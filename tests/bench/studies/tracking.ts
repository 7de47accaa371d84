/** Rewriting and parity: the recipes as they are, far beyond the lengths of their training. */
import type { Study } from './study.ts'
import { taskRows } from './table.ts'

const SEEDS = [1, 2, 3]

const recipe = (name: string, about: string, args: readonly string[] = []): Study => ({
  name,
  about,
  runs: SEEDS.map((seed) => ({
    name: `delta-${seed}`,
    train: [name, '--seed', String(seed)],
    evaluate: { [name]: [name, ...args] },
  })),
  show: (measured) => ({ table: taskRows(measured) }),
})

export const rewrite = recipe('rewrite', 'Keys told again and again, trained up to 50 pairs: the last value.')
export const parity = recipe('parity', 'Parity, trained up to 40 tokens.', ['--sequences', '1000'])
