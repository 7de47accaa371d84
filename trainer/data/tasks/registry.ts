/** The tasks by name: the only list. */
import { ConfigError } from '../../../models/config.ts'
import { brackets } from './brackets.ts'
import { chain } from './chain.ts'
import { compression, copying, selectiveCopying } from './copying.ts'
import { fuzzyRecall } from './fuzzy-recall.ts'
import { memorization } from './memorization.ts'
import { forgettingMultiQuery, multiQuery } from './multi-query.ts'
import { noisyRecall, recall } from './recall.ts'
import { retrieval } from './retrieval.ts'
import { rewrite } from './rewrite.ts'
import type { Options, SetTask, Task } from './task.ts'
import { modular, parity, wordProblem } from './tracking.ts'

export const tasks: ReadonlyMap<string, Task> = new Map(
  [
    multiQuery,
    forgettingMultiQuery,
    rewrite,
    retrieval,
    chain,
    parity,
    modular,
    brackets,
    wordProblem,
    recall,
    fuzzyRecall,
    noisyRecall,
    selectiveCopying,
    compression,
    memorization,
    copying,
  ].map((task) => [task.name, task]),
)

/** The task of that name with its options; throws ConfigError for what cannot be. */
export function setTask(name: string, options: Options): SetTask {
  const task = tasks.get(name)
  if (!task) throw new ConfigError(`task: expected one of ${[...tasks.keys()].join(', ')}, got ${name}`)
  return task.set(options)
}
