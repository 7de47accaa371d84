/** Learning rates of groups of parameters, relative to that of the schedule. */
import { ConfigError } from '../../models/config.ts'

type Scales = Readonly<Record<string, number>>

/** The factor of a parameter: that of the longest beginning of its path, in whole names; 1 where none is given. */
export function lrScaleOf(scales: Scales, path: string): number {
  const found = Object.keys(scales).filter((start) => isBeginning(start, path))
  const longest = found.toSorted((a, b) => b.length - a.length)[0]
  return longest === undefined ? 1 : scales[longest]!
}

/** Throws ConfigError for a factor that no parameter has. */
export function checkLrScales(scales: Scales, paths: readonly string[]): void {
  const unused = Object.keys(scales).find((start) => !paths.some((path) => isBeginning(start, path)))
  if (unused === undefined) return
  const groups = [...new Set(paths.map((path) => path.split('.').slice(0, unused.split('.').length).join('.')))]
  throw new ConfigError(
    `lrScales.${unused}: no parameter's path begins so; paths begin with ${groups.slice(0, 12).join(', ')}`,
  )
}

/** `blocks.1` begins `blocks.1.up`, but not `blocks.10.up`. */
const isBeginning = (start: string, path: string): boolean => path === start || path.startsWith(`${start}.`)
