/** Sequences of a task as training data: each row of a batch is an endless stream of independent ones. */
import { requires } from '../../../models/config.ts'
import { Random, type RandomState } from '../../random.ts'
import { DataError, emptyBatch, type Batch, type Dataset, type JsonValue } from '../batch.ts'
import { setTask } from './registry.ts'
import { drawSequence, type Part } from './split.ts'
import type { Options, Sequence, SetTask } from './task.ts'

/** One part of the curriculum. */
export interface TaskStage {
  /** Holds for sequences that begin before this many tokens were given out (all rows together). */
  readonly untilTokens: number
  /** Options to choose from at random for each sequence. */
  readonly mix: readonly Options[]
  /**
   * Whether a row is filled up with sequences of the same options. The later ones find the state that the earlier ones
   * left: for recall a distraction, for tracking an error. Without it a row holds one sequence and then nothing.
   */
  readonly pack?: boolean
}

/** A task as a recipe names it. */
export interface TaskSource {
  readonly kind: 'task'
  readonly task: string
  /** Options that all stages and measurements share. */
  readonly options: Options
  /** In order; the last one holds for ever after. */
  readonly stages: readonly TaskStage[]
  /** Options that `mneme eval` measures. */
  readonly evaluate: readonly Options[]
}

export interface TaskDataOptions {
  readonly source: TaskSource
  readonly batch: number
  readonly sequenceLength: number
  /** Whether rows go on from batch to batch; without, every sequence must fit into `time`. */
  readonly carry: boolean
  readonly seed: number
  readonly part: Part
}

/** Where a row is: what made its sequence, and which piece comes next. */
interface Row {
  random: RandomState
  stage: number
  piece: number
}

/** What a row reads until it begins anew. */
interface Drawn {
  readonly ids: readonly number[]
  readonly targets: readonly number[]
  /** They sum to 1. */
  readonly weights: readonly number[]
  readonly after: RandomState
}

/**
 * Batches of a task. A sequence begins with carry 0; one longer than T fills several pieces that carry its state, and
 * what is left of its last piece has no weight. The weights of a sequence, or of a packed row, sum to 1: in a mix the easy
 * ones, which have few answers, are what learning starts from, and would hardly count beside the full ones.
 */
export function taskDataset(options: TaskDataOptions): Dataset {
  const { source, batch, sequenceLength, part } = options
  const stages = openStages(source)
  const random = new Random(`${source.task} ${part} ${options.seed}`)
  let tokens = 0
  let rows: Row[] = Array.from({ length: batch }, (_, i) => ({
    random: random.fork(`row ${i}`).state,
    stage: 0,
    piece: 0,
  }))
  let drawn: (Drawn | undefined)[] = []

  /** What the row reads, made again from its random state when it is not at hand. */
  function drawnOf(index: number, row: Row): Drawn {
    const known = drawn[index]
    if (known !== undefined) return known
    const own = new Random(row.random)
    const { mix, pack } = stages[row.stage]!
    const sequences = fill(own, own.pick(mix), part, pack ? sequenceLength : 0)
    const [ids, targets, weights] = (['ids', 'targets', 'weights'] as const).map((name) =>
      sequences.flatMap((sequence) => sequence[name]),
    ) as [number[], number[], number[]]
    if (!options.carry && ids.length > sequenceLength)
      throw new DataError(
        `${source.task}: a sequence of ${ids.length} tokens does not fit sequenceLength ${sequenceLength}; set carry=true or a longer one`,
      )
    const weightSum = weights.reduce((sum, weight) => sum + weight, 0)
    return (drawn[index] = { ids, targets, weights: weights.map((weight) => weight / weightSum), after: own.state })
  }

  function fillRow(out: Batch, index: number, row: Row): void {
    if (row.piece === 0) row.stage = stageAt(stages, tokens)
    const { ids, targets, weights, after } = drawnOf(index, row)
    const from = row.piece * sequenceLength
    const length = Math.min(sequenceLength, ids.length - from)
    for (let t = 0; t < length; t++) {
      out.ids[index * sequenceLength + t] = ids[from + t]!
      out.targets[index * sequenceLength + t] = targets[from + t]!
      out.weights[index * sequenceLength + t] = weights[from + t]!
    }
    out.carry[index] = row.piece === 0 ? 0 : 1
    row.piece += 1
    if (row.piece * sequenceLength < ids.length) return
    row.random = after
    row.piece = 0
    drawn[index] = undefined
  }

  return {
    description: `${source.task}, ${part}, seed ${options.seed}, ${batch} rows of ${sequenceLength} tokens, ${stages.length} stages`,
    async next() {
      const out = emptyBatch(batch, sequenceLength)
      for (const [index, row] of rows.entries()) fillRow(out, index, row)
      tokens += batch * sequenceLength
      return out
    },
    position: () => ({ tokens, rows: rows.map((row) => ({ ...row })) }),
    async seek(position) {
      const saved = checkedPosition(source.task, position, batch, stages.length)
      tokens = saved.tokens
      rows = saved.rows.map((row) => ({ ...row }))
      drawn = []
    },
  }
}

/** Tokens of the task's vocabulary; throws ConfigError where stages disagree. */
export function taskVocabulary(source: TaskSource): number {
  const sizes = new Set(openStages(source).flatMap(({ mix }) => mix.map(({ vocabulary }) => vocabulary)))
  requires(sizes.size === 1, `${source.task}: expected one vocabulary in all stages, got ${[...sizes].join(', ')}`)
  return [...sizes][0]!
}

/** A sequence, and as many more as `room` has place for. */
function fill(random: Random, task: SetTask, part: Part, room: number): Sequence[] {
  const sequences = [drawSequence(random, task, part)]
  for (let used = sequences[0]!.ids.length; used < room;) {
    const next = drawSequence(random, task, part)
    used += next.ids.length
    if (used <= room) sequences.push(next)
  }
  return sequences
}

interface OpenStage {
  readonly untilTokens: number
  readonly pack: boolean
  readonly mix: readonly SetTask[]
}

function openStages({ task, options, stages }: TaskSource): OpenStage[] {
  const opened = stages.map(({ untilTokens, mix, pack = false }) => ({
    untilTokens,
    pack,
    mix: mix.map((own) => setTask(task, { ...options, ...own })),
  }))
  const empty = opened.length === 0 || opened.some(({ mix }) => mix.length === 0)
  requires(!empty, `${task}: expected at least one stage, each with at least one set of options`)
  return opened
}

function stageAt(stages: readonly OpenStage[], tokens: number): number {
  const index = stages.findIndex((stage) => tokens < stage.untilTokens)
  return index === -1 ? stages.length - 1 : index
}

function checkedPosition(task: string, position: JsonValue, batch: number, stages: number) {
  const saved = position as unknown as { tokens: number; rows: Row[] }
  if (!Array.isArray(saved.rows) || saved.rows.length !== batch)
    throw new DataError(`${task}: expected a position of ${batch} rows, got ${saved.rows?.length ?? 'none'}`)
  if (saved.rows.some((row) => row.stage >= stages))
    throw new DataError(`${task}: the position is in a stage beyond the ${stages} of this run`)
  return saved
}
