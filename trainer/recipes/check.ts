/** Rules between the settings of a recipe. */
import { ConfigError } from '../../models/config.ts'
import { warmupSteps } from '../run/schedule.ts'
import type { Recipe } from './recipe.ts'

/** Throws ConfigError where settings exclude one another, or one would do nothing. */
export function checkRules({ name, mode, data, schedule, patience }: Recipe): void {
  if (mode === 'instruct' && data.kind !== 'text')
    throw new ConfigError(`mode: expected pretrain, got instruct: ${name} makes its own data, with weights of its own`)
  const { warmup, steps } = schedule
  if (warmup >= 1 && !Number.isInteger(warmup))
    throw new ConfigError(`schedule.warmup: expected a whole number of updates or a share below 1, got ${warmup}`)
  if (warmupSteps(schedule) > steps)
    throw new ConfigError(
      `schedule.warmup: expected at most the ${steps} updates of the run, got ${warmup}: the learning rate would never ` +
        'come to its peak; a share as 0.05 goes with any number',
    )
  if (
    patience > 0 &&
    data.kind === 'text' &&
    data.heldOutShare === 0 &&
    data.heldOut.length === 0 &&
    data.heldOutSplit === ''
  )
    throw new ConfigError(
      `patience: expected held-out data to measure on for patience ${patience}, there is none (--held-out)`,
    )
}
