/** The six tasks of MAD, at the size of the suite (compression differs, docs/evaluation.md). */
import type { Measured, Study } from './study.ts'
import { markdown } from './table.ts'

const STEPS = 1200
const tasks = ['recall', 'fuzzy-recall', 'noisy-recall', 'selective-copying', 'compression', 'memorization']

export const mad: Study = {
  name: 'mad',
  about: `MAD at its first difficulty after ${STEPS} steps of 4,096 tokens, percent of answers right.`,
  runs: tasks.map((task) => ({
    name: task,
    train: [`mad-${task}`, '--steps', String(STEPS), '--set', 'schedule.warmup=50'],
    evaluate: { [task]: [task] },
  })),
  show: (measured) => ({ table: table(measured) }),
}

function table(measured: readonly Measured[]): string {
  const shares = measured.map(({ run, value }) => [run, value.cells[0]!.tokens.share * 100] as const)
  const mean = shares.reduce((sum, [, share]) => sum + share, 0) / shares.length
  const size = Math.max(...measured.map(({ value }) => value.subject.parameters))
  return markdown(
    ['delta', ...shares.map(([run]) => run), 'mean'],
    [[`${size} parameters`, ...shares.map(([, share]) => share.toFixed(1)), mean.toFixed(1)]],
  )
}
