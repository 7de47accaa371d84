/** How many answers of a task's held-out sequences a decoder predicts exactly. */
import type { Decoder, State } from '../../runtime/decoder.ts'
import type { Tensor } from '../../runtime/tensor.ts'
import { ConfigError } from '../../models/config.ts'
import { setTask } from '../data/tasks/registry.ts'
import { drawSequence } from '../data/tasks/split.ts'
import type { Options, Sequence, SetTask } from '../data/tasks/task.ts'
import { Random } from '../random.ts'
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
  /** Called before each set of options. */
  readonly progress?: (options: Options) => void
}

export interface TaskResult {
  readonly task: string
  readonly seed: number
  readonly cells: readonly TaskCell[]
}

/** Tokens of all rows fed at a time, and numbers of logits that may be in memory at a time. */
const TOKENS = 4096
const LOGITS = 1 << 23

/**
 * Feeds held-out sequences, the right answers read back where an answer has several tokens: it is right when every token
 * is, which is when greedy decoding would have written it. The same seed gives the same sequences, whatever the decoder.
 */
export async function evaluateTask(decoder: Decoder, request: TaskRequest): Promise<TaskResult> {
  const { task, seed } = request
  const opened = request.cells.map((options) => fitting(decoder, setTask(task, { ...request.shared, ...options })))
  const cells: TaskCell[] = []
  for (const [index, set] of opened.entries()) {
    request.progress?.(request.cells[index]!)
    const random = new Random(`evaluate ${task} ${JSON.stringify(set.options)} ${seed}`)
    const tally = new TaskTally()
    for (let left = request.sequences; left > 0;) {
      const first = drawSequence(random, set, 'heldout')
      const rows = Math.max(1, Math.min(left, Math.floor(TOKENS / first.ids.length), 64))
      const sequences = [first, ...Array.from({ length: rows - 1 }, () => drawSequence(random, set, 'heldout'))]
      for (const [row, predicted] of (await predict(decoder, sequences)).entries())
        tally.add(sequences[row]!, predicted)
      left -= rows
    }
    cells.push(tally.cell(request.cells[index]!, set.chance))
  }
  return { task, seed, cells }
}

function fitting(decoder: Decoder, set: SetTask): SetTask {
  if (set.vocabulary > decoder.vocab)
    throw new ConfigError(
      `eval ${set.name}: expected a model with at least ${set.vocabulary} tokens, got one with ${decoder.vocab}`,
    )
  return set
}

/** The likeliest token at every position that is scored; 0 elsewhere. Rows end where the longest one does. */
async function predict(decoder: Decoder, sequences: readonly Sequence[]): Promise<Int32Array[]> {
  const length = Math.max(...sequences.map(({ ids }) => ids.length))
  const rows = sequences.map(({ ids }) => Int32Array.from({ length }, (_, t) => ids[t] ?? 0))
  const scored = sequences.map(({ answers }) => new Set(answers.flatMap(({ at }) => at)))
  const predicted = rows.map(() => new Int32Array(length))
  const piece = Math.max(1, Math.min(256, Math.floor(LOGITS / (rows.length * decoder.vocab))))
  let state: State = decoder.start(rows.length)
  for (let from = 0; from < length; from += piece) {
    const to = Math.min(length, from + piece)
    const first = firstOf(scored, from, to)
    // Without an answer in the piece, the logits of its last token only
    const step = await decoder.run(
      rows.map((row) => row.subarray(from, to)),
      state,
      Math.min(first, to - 1) - from,
    )
    state = step.state
    for (const [row, wanted] of scored.entries())
      for (let at = first; at < to; at++)
        if (wanted.has(at)) predicted[row]![at] = likeliest(step.logits, row, at - first)
  }
  return predicted
}

/** The first scored position of any row in [from, to), or `to`. */
function firstOf(scored: readonly ReadonlySet<number>[], from: number, to: number): number {
  for (let at = from; at < to; at++) if (scored.some((wanted) => wanted.has(at))) return at
  return to
}

function likeliest({ data, dims }: Tensor, row: number, time: number): number {
  const [, times, vocab] = dims as readonly [number, number, number]
  const start = (row * times + time) * vocab
  const logits = data as Float32Array
  let best = 0
  for (let i = 1; i < vocab; i++) if (logits[start + i]! > logits[start + best]!) best = i
  return best
}
