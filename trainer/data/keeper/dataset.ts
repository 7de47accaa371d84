/** Keeper chats as training data: every row of a batch is an endless stream of freshly made documents. */
import { Random, type RandomState } from '../../random.ts'
import { DataError, emptyBatch, type Batch, type Dataset, type JsonValue } from '../batch.ts'
import type { TextCodec } from '../../../runtime/text.ts'
import { keeperDocument, type ChatPlan } from './document.ts'
import { defaultWeights, turnEncoder, type LossWeights, type WeightedTokens } from './encode.ts'

/** One part of the curriculum. */
export interface Stage extends ChatPlan {
  /** Holds for documents that begin before this many tokens were given out (all rows together). */
  readonly untilTokens: number
  /** Pieces of T tokens that a document fills. */
  readonly chunks: number
}

export interface KeeperOptions {
  readonly batch: number
  readonly sequenceLength: number
  readonly codec: TextCodec
  readonly seed: number
  /** In order; the last one holds for ever after. */
  readonly stages: readonly Stage[]
  readonly weights?: LossWeights
}

/** Where a row is: what made its document, and which piece comes next. */
interface Row {
  random: RandomState
  stage: number
  chunk: number
}

/** Batches of keeper chats; a document starts with carry 0 and its further pieces continue it. */
export function keeperDataset(options: KeeperOptions): Dataset {
  const { batch, sequenceLength, stages } = options
  if (stages.length === 0) throw new DataError('keeper: expected at least one stage, got none')
  const encode = turnEncoder(options.codec, options.weights ?? defaultWeights)
  const source = new Random(options.seed)
  let tokens = 0
  let rows: Row[] = Array.from({ length: batch }, (_, i) => ({
    random: source.fork(`row ${i}`).state,
    stage: 0,
    chunk: 0,
  }))
  let documents: (WeightedTokens | undefined)[] = []
  let after: RandomState[] = []

  /** The row's document, made again from its random state when it is not at hand. */
  function document(index: number, row: Row): WeightedTokens {
    const known = documents[index]
    if (known !== undefined) return known
    const stage = stages[row.stage] as Stage
    const random = new Random(row.random)
    const made = keeperDocument(random, stage, stage.chunks * sequenceLength + 1, encode)
    documents[index] = made
    after[index] = random.state
    return made
  }

  function fillRow(out: Batch, index: number, row: Row): void {
    if (row.chunk === 0) row.stage = stageAt(stages, tokens)
    const { ids, weights } = document(index, row)
    const from = row.chunk * sequenceLength
    for (let t = 0; t < sequenceLength; t++) {
      out.ids[index * sequenceLength + t] = ids[from + t] as number
      out.targets[index * sequenceLength + t] = ids[from + t + 1] as number
      out.weights[index * sequenceLength + t] = weights[from + t + 1] as number
    }
    out.carry[index] = row.chunk === 0 ? 0 : 1
    row.chunk += 1
    if (row.chunk < (stages[row.stage] as Stage).chunks) return
    row.random = after[index] as RandomState
    row.chunk = 0
    documents[index] = undefined
  }

  return {
    description: `keeper chats, seed ${options.seed}, ${batch} rows of ${sequenceLength} tokens, ${stages.length} stages`,
    next() {
      const out = emptyBatch(batch, sequenceLength)
      rows.forEach((row, index) => fillRow(out, index, row))
      tokens += batch * sequenceLength
      return Promise.resolve(out)
    },
    position: () => ({ tokens, rows: rows.map((row) => ({ ...row })) }),
    seek(position) {
      const saved = checkedPosition(position, batch, stages.length)
      tokens = saved.tokens
      rows = saved.rows.map((row) => ({ ...row }))
      documents = []
      after = []
      return Promise.resolve()
    },
  }
}

function stageAt(stages: readonly Stage[], tokens: number): number {
  const index = stages.findIndex((stage) => tokens < stage.untilTokens)
  return index === -1 ? stages.length - 1 : index
}

function checkedPosition(position: JsonValue, batch: number, stages: number): { tokens: number; rows: Row[] } {
  const saved = position as unknown as { tokens: number; rows: Row[] }
  if (!Array.isArray(saved.rows) || saved.rows.length !== batch) {
    throw new DataError(`keeper: expected a position of ${batch} rows, got ${saved.rows?.length ?? 'none'}`)
  }
  if (saved.rows.some((row) => row.stage >= stages)) {
    throw new DataError(`keeper: the position is in a stage beyond the ${stages} of this run`)
  }
  return saved
}
