/** Batches of models that read whole texts: rows that are compared with one another, or have a label each. */
import { ConfigError } from '../../models/config.ts'
import type { Model } from '../../models/model.ts'

/**
 * How many labels a batch has where rows are texts: one for each row, or for each group of rows that are compared.
 * Undefined where tokens are predicted. Throws ConfigError where the batch cannot be labelled so.
 */
export function labelledRows(
  { contrast, rowLabels }: Model,
  { batch, maxLabels }: { readonly batch: number; readonly maxLabels: number },
): number | undefined {
  if (!contrast && rowLabels === undefined) return undefined
  if (maxLabels > 0)
    throw new ConfigError(`maxLabels: expected 0 where rows are texts, which have one label each; got ${maxLabels}`)
  if (!contrast) return batch
  if (batch % contrast.group !== 0)
    throw new ConfigError(`batch: expected a multiple of the ${contrast.group} rows of a group, got ${batch}`)
  return batch / contrast.group
}
