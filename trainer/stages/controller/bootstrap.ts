/** Intervals of a statistic by drawing users again (Efron 1979): questions of one user are no independent trials. */
import type { Random } from '../../random.ts'

const RESAMPLES = 1000

/** The 95 % interval of `statistic` over the rows, whole users being drawn with replacement. */
export function bootstrapInterval<T extends { readonly user: number }>(
  rows: readonly T[],
  statistic: (rows: readonly T[]) => number,
  random: Random,
): readonly [low: number, high: number] {
  const users = [...new Set(rows.map(({ user }) => user))]
  const byUser = new Map(users.map((user) => [user, rows.filter((row) => row.user === user)]))
  const found = Array.from({ length: RESAMPLES }, () =>
    statistic(users.flatMap(() => byUser.get(random.pick(users))!)),
  ).toSorted((a, b) => a - b)
  return [found[Math.floor(0.025 * RESAMPLES)]!, found[Math.ceil(0.975 * RESAMPLES) - 1]!]
}
