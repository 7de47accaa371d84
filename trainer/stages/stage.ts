/** Stages 2 and 3 of HMST by number. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../data/batch.ts'
import type { StageContext, StageEnd } from './context.ts'
import { trainController } from './controller/stage.ts'
import { trainRetrieval } from './retrieval/stage.ts'

/** Trains a stage in the folder of a run, which nobody else does. Throws ConfigError, DataError. */
export async function trainStage(stage: 2 | 3, context: StageContext): Promise<StageEnd> {
  const begun = existsSync(join(context.out, 'stage.json'))
  if (context.resume && !begun)
    throw new DataError(`${context.out}: expected a run to continue, found none in it; leave --resume out to begin it`)
  if (!context.resume && begun)
    throw new DataError(`${context.out}: holds a run already; continue it with --resume, or choose another --out`)
  return stage === 2 ? trainRetrieval(context) : trainController(context)
}
