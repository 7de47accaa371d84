/** Turns a recipe into a run: tokenizer, data, model and backend, checked before anything is trained. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../models/config.ts'
import { createModel } from '../../models/registry.ts'
import { countParameters } from '../../models/spec.ts'
import { openText, type TextCodec } from '../../runtime/text.ts'
import type { Backend, BackendOptions, Place } from '../backends/backend.ts'
import { createCompiledBackend } from '../backends/compile/backend.ts'
import { createParallelBackend } from '../backends/compile/parallel.ts'
import { tokenizerFiles } from './checkpoint.ts'
import type { Dataset, JsonValue } from '../data/batch.ts'
import { DataError } from '../data/batch.ts'
import { keeperDataset } from '../data/keeper/dataset.ts'
import { taskDataset, taskVocabulary } from '../data/tasks/dataset.ts'
import { setTask } from '../data/tasks/registry.ts'
import { isHubName } from '../data/hub/name.ts'
import { textDataset, type TextOptions } from '../data/text.ts'
import { withBase } from '../import/base.ts'
import { startFrom } from '../import/start.ts'
import { Random } from '../random.ts'
import type { Recipe, TextSource } from '../recipes/recipe.ts'
import { createTensorFlowBackend } from '../backends/tensorflow/backend.ts'
import { checkTokenizer } from './tokenizer-check.ts'
import { chatTokens, writeTokenizer } from '../tokenizer/format.ts'
import { writeIdTokenizer } from '../tokenizer/ids.ts'
import { withPlainText } from '../tokenizer/plain-text.ts'
import { byteTokenizer, trainBpe, trainCharacters } from '../tokenizer/train.ts'
import type { Metric, Run } from './train.ts'

export interface Choices {
  readonly out: string
  readonly resume: boolean
  readonly backend: 'compiled' | 'tfjs'
  /** One, or several that share each batch. */
  readonly places: readonly Place[]
  readonly threads: number
  readonly report: (metric: Metric) => void
  readonly signal?: AbortSignal
}

export interface Prepared {
  readonly run: Run
  readonly backend: Backend
  readonly codec: TextCodec
  readonly parameters: number
  /** What was read from weights that were there, and what the model is no good for. */
  readonly notes: readonly string[]
}

/** Opens everything that the recipe names. Throws ConfigError, DataError, TokenizerError or ImportError before training starts. */
export async function prepare(asked: Recipe, choices: Choices): Promise<Prepared> {
  const tokenizer = join(choices.out, 'tokenizer')
  if (!choices.resume && existsSync(join(choices.out, 'last')))
    throw new DataError(`${choices.out}: holds a run already; continue it with --resume, or choose another --out`)
  const recipe = await withBase(asked, choices.resume ? choices.out : undefined)
  if (choices.resume) await checkTokenizer(recipe.tokenizer, choices.out)
  else await makeTokenizer(recipe, tokenizer)
  const codec = openText(tokenizer)
  const model = createModel(recipe.architecture, { ...recipe.model, vocab: codec.vocabSize })
  if (recipe.time % model.pieces !== 0)
    throw new ConfigError(
      `time: expected a multiple of ${model.pieces}, the tokens of a chunk or stride of ${recipe.architecture}, got ${recipe.time}`,
    )
  const { data, heldOut } = await openData(recipe, codec)
  if (recipe.evaluateEvery === 'epoch' && !data.epoch)
    throw new ConfigError(`evaluateEvery: expected a number of steps, got epoch: ${recipe.name}'s data has no end`)
  const random = new Random(`${recipe.seed} dropout`)
  const options: BackendOptions = {
    model,
    batch: recipe.batch,
    time: recipe.time,
    optimizer: recipe.optimizer,
    accumulate: recipe.accumulate,
    recompute: recipe.recompute,
    labels: recipe.labels,
    precision: recipe.precision,
    deterministic: recipe.deterministic,
    carry: recipe.carry,
    rate: (path) => Object.entries(recipe.rates).find(([start]) => path.startsWith(start))?.[1] ?? 1,
    threads: choices.threads,
    ...choices.places[0]!,
    random,
  }
  const backend = await openBackend(options, choices, recipe.seed)
  const notes = choices.resume ? [] : await startFrom(recipe.start, model, backend, tokenizer)
  if (model.trainingOnly !== undefined) notes.push(`this model cannot be exported: ${model.trainingOnly}`)
  const run: Run = {
    ...recipe,
    out: choices.out,
    config: JSON.parse(JSON.stringify({ ...recipe, model: model.config })) as Record<string, JsonValue>,
    backend,
    data,
    ...(heldOut ? { heldOut: { data: heldOut, batches: recipe.evaluateBatches } } : {}),
    tokensPerStep: recipe.batch * recipe.time,
    tokenizer,
    random,
    report: choices.report,
    ...(choices.signal ? { signal: choices.signal } : {}),
  }
  return { run, backend, codec, parameters: countParameters(model.params), notes }
}

function openBackend(options: BackendOptions, { backend, places }: Choices, seed: number): Promise<Backend> {
  if (backend === 'tfjs') return createTensorFlowBackend(options, seed)
  return places.length > 1 ? createParallelBackend(options, places, seed) : createCompiledBackend(options, seed)
}

async function makeTokenizer({ tokenizer: choice, data, name }: Recipe, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (data.kind === 'task' || choice.kind === 'ids') {
    if (data.kind !== 'task' || choice.kind !== 'ids')
      throw new DataError(
        `${name}.tokenizer: expected ids with a task and only there, got ${choice.kind} with ${data.kind}`,
      )
    return writeIdTokenizer(folder, taskVocabulary(data))
  }
  if (choice.kind === 'folder') {
    for (const file of tokenizerFiles) await copyFile(join(choice.folder, file), join(folder, file))
    return
  }
  if (choice.kind === 'byte') return writeTokenizer(folder, byteTokenizer(chatTokens))
  if (data.kind !== 'text') throw new DataError(`${name}.tokenizer: expected a folder or byte, got ${choice.kind}`)
  const learn = choice.kind === 'bpe' ? trainBpe : trainCharacters
  const vocab = choice.vocab || 4096
  const reading = { fields: fieldsOfSource(data), mode: 'pretrain' } as const
  const use = (paths: string[]) => learn({ files: paths, vocab, special: chatTokens })
  const files = await withPlainText(data.files, use, { split: data.split, reading })
  return writeTokenizer(folder, files)
}

async function openData(recipe: Recipe, codec: TextCodec): Promise<{ data: Dataset; heldOut?: Dataset }> {
  const { batch, time, data } = recipe
  if (data.kind === 'keeper') {
    const stage = data.stages.at(-1)!
    const heldOut = [{ ...stage, facts: [4, 8] as const, gap: [100, 600] as const, chunks: 4 }]
    return {
      data: keeperDataset({ batch, time, codec, seed: recipe.seed, stages: data.stages }),
      heldOut: keeperDataset({ batch, time, codec, seed: 999, stages: heldOut }),
    }
  }
  if (data.kind === 'task') {
    for (const cell of data.evaluate) setTask(data.task, { ...data.options, ...cell }) // refused now, not after the training
    const rows = { batch, time, carry: recipe.carry, seed: recipe.seed }
    return {
      data: taskDataset({ ...rows, source: data, part: 'train' }),
      heldOut: taskDataset({ ...rows, source: { ...data, stages: data.stages.slice(-1) }, part: 'heldout' }),
    }
  }
  return openTextSource(data, { batch, time, codec, mode: recipe.mode })
}

async function openTextSource(source: TextSource, shape: Pick<TextOptions, 'batch' | 'time' | 'codec' | 'mode'>) {
  const { files, heldOut, heldOutShare, split, heldOutSplit } = source
  if (files.length === 0) throw new ConfigError('data: expected text to train on, got no files; give --data FILES')
  if (heldOutSplit !== '' && (heldOut.length > 0 || !files.some(isHubName)))
    throw new DataError('data.heldOutSplit: expected a data set of a hub as --data, and no --held-out files beside it')
  const common = { ...shape, fields: fieldsOfSource(source), split }
  if (heldOutSplit !== '') {
    const data = await textDataset({ ...common, paths: files })
    return { data, heldOut: await textDataset({ ...common, paths: files, split: heldOutSplit }) }
  }
  const share = heldOut.length > 0 ? 0 : heldOutShare
  const data = await textDataset({ ...common, paths: files, heldOut: share, part: 'train' })
  if (heldOut.length > 0) return { data, heldOut: await textDataset({ ...common, paths: heldOut }) }
  if (share === 0) return { data }
  return { data, heldOut: await textDataset({ ...common, paths: files, heldOut: share, part: 'heldout' }) }
}

const fieldsOfSource = ({ textField, messagesField }: TextSource) => ({ text: textField, messages: messagesField })
