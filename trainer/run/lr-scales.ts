/** Learning rates of parameters relative to the schedule's, by the path of a parameter or of a part of the model. */
import { ConfigError } from '../../models/config.ts'

/** Whether `path` is `part` or lies in it: `blocks.1` is not in `blocks.10`. */
const liesIn = (path: string, part: string): boolean => path === part || path.startsWith(`${part}.`)

/**
 * The scale of a parameter: that of the longest part which it lies in, else 1. Throws ConfigError for a part in which
 * no parameter of `paths` lies.
 */
export function lrScaleOf(
  scales: Readonly<Record<string, number>>,
  paths: readonly string[],
): (path: string) => number {
  const parts = Object.entries(scales).toSorted(([a], [b]) => b.length - a.length)
  for (const [part] of parts)
    if (!paths.some((path) => liesIn(path, part)))
      throw new ConfigError(`lrScales.${part}: expected a parameter or a part of the model, ${partsOf(paths, part)}`)
  return (path) => parts.find(([part]) => liesIn(path, part))?.[1] ?? 1
}

/** What there is beside a part that does not exist: the names at the deepest level that it shares. */
function partsOf(paths: readonly string[], wrong: string): string {
  const keys = wrong.split('.')
  const shared = keys.findLastIndex((_, i) => paths.some((path) => liesIn(path, keys.slice(0, i + 1).join('.')))) + 1
  const parent = keys.slice(0, shared).join('.')
  const below = paths.filter((path) => shared === 0 || liesIn(path, parent)).map((path) => path.split('.')[shared]!)
  return `there are ${[...new Set(below)].join(', ')}${shared === 0 ? '' : ` in ${parent}`}`
}
