/** The data of a run: what its recipe names, opened. */
import type { TextCodec } from '../../runtime/text.ts'
import { ConfigError } from '../../models/config.ts'
import { createModel } from '../../models/registry.ts'
import { DataError, type Dataset } from '../data/batch.ts'
import { openCorpus } from '../data/corpus.ts'
import type { Mode, Reading } from '../data/document.ts'
import { isHubName } from '../data/hub/name.ts'
import { type Claim } from '../data/claims/claim.ts'
import { claimsDataset } from '../data/claims/dataset.ts'
import { judgedPart, readJudged } from '../data/claims/judged.ts'
import { claimSource } from '../data/claims/pairs.ts'
import { keeperDataset } from '../data/keeper/dataset.ts'
import { notesDataset } from '../data/notes/dataset.ts'
import { readReplies } from '../data/notes/replies.ts'
import type { Part } from '../data/notes/values.ts'
import type { ReportProgress } from '../data/progress.ts'
import { readingDataset } from '../data/reading/dataset.ts'
import { smallTalkDataset } from '../data/small-talk/dataset.ts'
import { smallTalkReplies } from '../data/small-talk/replies.ts'
import { sentencesDataset } from '../data/sentences/dataset.ts'
import { readTaughtTexts } from '../data/sentences/taught.ts'
import { taskDataset } from '../data/tasks/dataset.ts'
import { setTask } from '../data/tasks/registry.ts'
import { corpusDataset, textDataset, type TextOptions } from '../data/text.ts'
import type { Random } from '../random.ts'
import type { Recipe, TextSource } from '../recipes/recipe.ts'

export interface RunData {
  readonly data: Dataset
  /** What the loss is measured on, and how many batches of it. */
  readonly heldOut?: { readonly data: Dataset; readonly batches: number }
  /** What is not read, a sentence each. */
  readonly notes: readonly string[]
}

export interface DataContext {
  readonly codec: TextCodec
  /** The folder of the codec's tokenizer. */
  readonly tokenizer: string
  readonly progress?: ReportProgress
}

/** Opens the recipe's data, and reads files once to find what cannot be used. Throws ConfigError or DataError. */
export async function openData(recipe: Recipe, context: DataContext): Promise<RunData> {
  const { batch, sequenceLength, data, seed, evaluateBatches: batches } = recipe
  if (data.kind === 'keeper') {
    const stage = data.stages.at(-1)!
    const heldOut = [{ ...stage, facts: [4, 8] as const, gap: [100, 600] as const, chunks: 4 }]
    const { codec } = context
    return {
      data: keeperDataset({ batch, sequenceLength, codec, seed, stages: data.stages }),
      heldOut: { data: keeperDataset({ batch, sequenceLength, codec, seed: 999, stages: heldOut }), batches },
      notes: [],
    }
  }
  if (data.kind === 'notes') {
    const rows = { batch, sequenceLength, codec: context.codec }
    return {
      data: notesDataset({ ...rows, seed, part: 'train' }),
      heldOut: { data: notesDataset({ ...rows, seed: 999, part: 'heldout' }), batches },
      notes: [],
    }
  }
  if (data.kind === 'sentences') {
    if (data.folder === '')
      throw new ConfigError(
        'data.folder: expected a folder that trainer/embedder/start.ts wrote, got none; --set data.folder=FOLDER',
      )
    const rows = { batch, sequenceLength, codec: context.codec }
    return {
      data: sentencesDataset({ ...rows, seed, part: 'train', taught: await readTaughtTexts(data.folder) }),
      heldOut: { data: sentencesDataset({ ...rows, seed: 999, part: 'heldout' }), batches },
      notes: [],
    }
  }
  if (data.kind === 'claims') return openClaims(recipe, data.judged, context)
  if (data.kind === 'reading') {
    const { start, separator } = createModel('reader', recipe.model).config as Readonly<
      Record<'start' | 'separator', number>
    >
    const rows = { batch, sequenceLength, codec: context.codec, start, separator }
    return {
      data: readingDataset({ ...rows, seed, part: 'train' }),
      heldOut: { data: readingDataset({ ...rows, seed: 999, part: 'heldout' }), batches },
      notes: [],
    }
  }
  if (data.kind === 'small-talk') {
    const replies = smallTalkReplies().length
    if (recipe.model['labels'] !== replies)
      throw new ConfigError(
        `model.labels: expected ${replies}, one for each reply, got ${String(recipe.model['labels'])}`,
      )
    const rows = { batch, sequenceLength, codec: context.codec }
    return {
      data: smallTalkDataset({ ...rows, seed, part: 'train' }),
      heldOut: { data: smallTalkDataset({ ...rows, seed: 999, part: 'heldout' }), batches },
      notes: [],
    }
  }
  if (data.kind === 'task') {
    for (const cell of data.evaluate) setTask(data.task, { ...data.options, ...cell }) // refused now, not after the training
    const rows = { batch, sequenceLength, carry: recipe.carry, seed }
    return {
      data: taskDataset({ ...rows, source: data, part: 'train' }),
      heldOut: {
        data: taskDataset({ ...rows, source: { ...data, stages: data.stages.slice(-1) }, part: 'heldout' }),
        batches,
      },
      notes: [],
    }
  }
  if (data.files.length === 0) throw new ConfigError('data: expected text to train on, got no files; give --data FILES')
  const shape = { ...context, batch, sequenceLength, mode: recipe.mode, batches }
  return data.files.some(isHubName) ? openHubText(data, shape) : openFileText(data, shape)
}

/** Generated claims, or judged answers whose held-out part is of other questions. */
async function openClaims(
  { batch, sequenceLength, seed, evaluateBatches: batches, model }: Recipe,
  judged: string,
  { codec }: DataContext,
): Promise<RunData> {
  const rows = { batch, sequenceLength, codec, separator: separatorOf(model) }
  const claims = judged === '' ? undefined : await readJudged(judged)
  const replies = readReplies()
  const drawOf = (part: Part): ((random: Random) => Claim) => {
    if (!claims) return claimSource(replies, part)
    const own = judgedPart(claims, part, seed)
    return (random) => random.pick(own)
  }
  return {
    data: claimsDataset({ ...rows, seed, part: 'train', draw: drawOf('train') }),
    heldOut: { data: claimsDataset({ ...rows, seed: 999, part: 'heldout', draw: drawOf('heldout') }), batches },
    notes: [],
  }
}

/** The token between two texts, as the architecture has it. */
function separatorOf(model: Recipe['model']): number {
  return Number(createModel('critic', model).config['separator'])
}

/** How the rows of a source are read. */
export function readingOf({ textField, messagesField, promptField, completionField }: TextSource, mode: Mode): Reading {
  return {
    mode,
    fields: { text: textField, messages: messagesField, prompt: promptField, completion: completionField },
  }
}

interface Shape extends DataContext {
  readonly batch: number
  readonly sequenceLength: number
  readonly mode: Mode
  /** Batches of held-out data that are measured. */
  readonly batches: number
}

async function openFileText(source: TextSource, shape: Shape): Promise<RunData> {
  if (source.heldOutSplit !== '')
    throw new DataError('data.heldOutSplit: expected a data set of a hub as --data, got files; use --held-out FILES')
  const reading = readingOf(source, shape.mode)
  const corpus = await openCorpus(source.files, { ...shape, reading })
  if (source.heldOut.length > 0) {
    const data = await corpusDataset(corpus, shape)
    const heldOut = await textDataset({ ...shape, fields: reading.fields, paths: source.heldOut })
    return measured(data, heldOut, shape.batches)
  }
  const parts = { ...shape, heldOut: source.heldOutShare }
  const data = await corpusDataset(corpus, { ...parts, part: 'train' })
  if (source.heldOutShare === 0) return { data, notes: data.notes ?? [] }
  return measured(data, await corpusDataset(corpus, { ...parts, part: 'heldout' }), shape.batches)
}

/** Measures on all of the held-out data where it is less than was asked for, and says so. */
async function measured(data: Dataset, heldOut: Dataset, asked: number): Promise<RunData> {
  const start = heldOut.position()
  let batches = 0
  for (; batches < asked && (batches === 0 || heldOut.epoch!() === 0); batches++) await heldOut.next()
  await heldOut.seek(start)
  const less = `held-out data fills ${batches} of ${asked} batches (evaluateBatches): these are measured`
  const notes = [...(data.notes ?? []), ...(heldOut.notes ?? []), ...(batches < asked ? [less] : [])]
  return { data, heldOut: { data: heldOut, batches }, notes: [...new Set(notes)] }
}

async function openHubText(source: TextSource, shape: Shape): Promise<RunData> {
  const { files, heldOut, heldOutShare, split, heldOutSplit } = source
  if (heldOutSplit !== '' && heldOut.length > 0)
    throw new DataError('data.heldOutSplit: expected either a split or --held-out files to measure on, got both')
  const { batches } = shape
  const common = { ...shape, fields: readingOf(source, shape.mode).fields, split }
  const share = heldOutSplit !== '' || heldOut.length > 0 ? 0 : heldOutShare
  const data = await textDataset({ ...common, paths: files, heldOut: share, part: 'train' })
  const open = async (more: Partial<TextOptions>): Promise<RunData> => {
    const found = await textDataset({ ...common, paths: files, ...more })
    return { data, heldOut: { data: found, batches }, notes: found.notes ?? [] }
  }
  if (heldOutSplit !== '') return open({ split: heldOutSplit })
  if (heldOut.length > 0) return open({ paths: heldOut })
  return share === 0 ? { data, notes: [] } : open({ heldOut: share, part: 'heldout' })
}
