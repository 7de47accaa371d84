/** Batches of models whose rows are compared with one another. */
import type { Contrast } from '../../models/model.ts'
import { ConfigError } from '../../models/config.ts'

/** How many groups the rows of a batch make. Throws ConfigError where they make no whole ones. */
export function groupsOf(
  { group }: Contrast,
  { batch, maxLabels }: { readonly batch: number; readonly maxLabels: number },
): number {
  if (maxLabels > 0)
    throw new ConfigError(`maxLabels: expected 0 where texts are compared: each group has one label; got ${maxLabels}`)
  if (batch % group !== 0)
    throw new ConfigError(`batch: expected a multiple of the ${group} rows of a group, got ${batch}`)
  return batch / group
}
