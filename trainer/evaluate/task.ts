/** How many answers of a task's held-out sequences are predicted exactly. */
import { ConfigError } from '../../models/config.ts'
import { setTask } from '../data/tasks/registry.ts'
import { drawSequence } from '../data/tasks/split.ts'
import type { Options, SetTask } from '../data/tasks/task.ts'
import { Random } from '../random.ts'
import type { Predictor } from './predictor.ts'
import { type TaskCell, TaskTally } from './task-tally.ts'

export interface TaskRequest {
  readonly task: string
  /** Options that all sets share. */
  readonly shared: Options
  /** The sets of options to measure. */
  readonly cells: readonly Options[]
  /** Sequences for each set of options. */
  readonly sequences: number
  readonly seed: number
  /** Called with the options that are measured, and the sequences that are done of all. */
  readonly progress?: (options: Options, done: number) => void
}

export interface TaskResult {
  readonly task: string
  readonly seed: number
  readonly cells: readonly TaskCell[]
}

/** Tokens of sequences that are predicted together. */
const TOKENS = 4096

/**
 * Feeds held-out sequences, the right answers read back where an answer has several tokens: it is right when every token
 * is, which is when greedy decoding would have written it. The same seed gives the same sequences, whoever is asked.
 */
export async function evaluateTask(predictor: Predictor, request: TaskRequest): Promise<TaskResult> {
  const { task, seed } = request
  const opened = request.cells.map((options) => fitting(predictor, setTask(task, { ...request.shared, ...options })))
  const cells: TaskCell[] = []
  for (const [index, set] of opened.entries()) {
    const random = new Random(`evaluate ${task} ${JSON.stringify(set.options)} ${seed}`)
    const tally = new TaskTally()
    for (let left = request.sequences; left > 0;) {
      const first = drawSequence(random, set, 'heldout')
      const rows = Math.max(1, Math.min(left, Math.floor(TOKENS / first.ids.length), 64))
      const sequences = [first, ...Array.from({ length: rows - 1 }, () => drawSequence(random, set, 'heldout'))]
      for (const [row, predicted] of (await predictor.predict(sequences)).entries())
        tally.add(sequences[row]!, predicted)
      left -= rows
      request.progress?.(request.cells[index]!, (index + 1) * request.sequences - Math.max(0, left))
    }
    cells.push(tally.cell(request.cells[index]!, set.chance))
  }
  return { task, seed, cells }
}

function fitting({ vocab = Infinity }: Predictor, set: SetTask): SetTask {
  if (set.vocabulary > vocab)
    throw new ConfigError(
      `eval ${set.name}: expected a model with at least ${set.vocabulary} tokens, got one with ${vocab}`,
    )
  return set
}
