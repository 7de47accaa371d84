/** Pieces of Markdown tables. */
import { percent, type Share } from './interval.ts'

/** A share in percent with its 95 % interval. */
export const shareText = ({ share, interval: [low, high] }: Share): string =>
  `${percent(share)} (${percent(low)} to ${percent(high)})`

/** A row. */
export const line = (columns: readonly (string | number)[]): string => `| ${columns.join(' | ')} |`

/** The rule below the head: the first column to the left, numbers to the right. */
export const rule = (head: readonly string[]): string => line(head.map((_, i) => (i === 0 ? '---' : '---:')))
