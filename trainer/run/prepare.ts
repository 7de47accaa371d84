/** Turns a recipe into a run: tokenizer, data, model and backend, checked before anything is trained. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../models/config.ts'
import { readsTexts } from '../../models/model.ts'
import { createModel } from '../../models/registry.ts'
import { countParameters, flatten } from '../../models/spec.ts'
import { openText, type TextCodec } from '../../runtime/text.ts'
import type { Backend, BackendOptions, TargetDevice } from '../backends/backend.ts'
import { createCompiledBackend } from '../backends/compile/backend.ts'
import { createParallelBackend } from '../backends/compile/parallel.ts'
import { checkCarry } from '../backends/carry.ts'
import { checkMemory } from '../backends/memory.ts'
import type { JsonValue } from '../data/batch.ts'
import { DataError } from '../data/batch.ts'
import type { ReportProgress } from '../data/progress.ts'
import { withBase } from '../import/base.ts'
import { putPublishedBase, startFrom } from '../import/start.ts'
import { Random } from '../random.ts'
import { checkEffect, givenScales } from '../recipes/effect.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { createTensorFlowBackend } from '../backends/tensorflow/backend.ts'
import { openData } from './data.ts'
import { lrScaleOf } from './lr-scales.ts'
import { checkTokenizer } from './tokenizer-check.ts'
import { makeTokenizer } from './tokenizer.ts'
import { unreachedNotes } from './unreached.ts'
import type { Metric } from './metrics.ts'
import type { Run } from './train.ts'

export interface Choices {
  readonly out: string
  readonly resume: boolean
  readonly backend: 'compiled' | 'tfjs'
  /** One, or several that share each batch. */
  readonly devices: readonly TargetDevice[]
  readonly threads: number
  readonly report: (metric: Metric) => void
  /** What is done before training. */
  readonly progress?: ReportProgress
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
  else await makeTokenizer(recipe, tokenizer, choices.progress)
  const codec = openText(tokenizer)
  const options = backendOptionsOf(recipe, codec, choices)
  const { model, random } = options
  const progress = choices.progress ? { progress: choices.progress } : {}
  const { data, heldOut, notes: dataNotes } = await openData(recipe, { codec, tokenizer, ...progress })
  if (recipe.evaluateEvery === 'epoch' && !data.epoch)
    throw new ConfigError(`evaluateEvery: expected a number of steps, got epoch: ${recipe.name}'s data has no end`)
  const backend = await openBackend(options, choices, recipe.seed)
  const started = choices.resume ? [] : await startFrom(recipe.start, model, backend, tokenizer)
  if (choices.resume) await putPublishedBase(model, backend)
  const notes = [...dataNotes, ...started, ...unreachedNotes(backend.unreached, recipe, model)]
  if (model.trainingOnly !== undefined && !readsTexts(model))
    notes.push(`this model cannot be exported: ${model.trainingOnly}`)
  const run: Run = {
    ...recipe,
    out: choices.out,
    config: JSON.parse(JSON.stringify({ ...recipe, model: model.config })) as Record<string, JsonValue>,
    backend,
    data,
    ...(heldOut ? { heldOut } : {}),
    tokensPerStep: recipe.batch * recipe.sequenceLength,
    tokenizer,
    random,
    report: choices.report,
  }
  return { run, backend, codec, parameters: countParameters(model.params), notes }
}

/** The model of a recipe and how it is stepped. Throws ConfigError for what does not fit together or into memory. */
export function backendOptionsOf(
  recipe: Recipe,
  codec: TextCodec,
  { threads, devices, progress }: Pick<Choices, 'threads' | 'devices' | 'progress'>,
): BackendOptions {
  const model = createModel(recipe.architecture, recipe.model, codec.vocabSize)
  if (recipe.sequenceLength % model.chunkLength !== 0)
    throw new ConfigError(
      `sequenceLength: expected a multiple of ${model.chunkLength}, the tokens of a chunk or stride of ${recipe.architecture}, got ${recipe.sequenceLength}`,
    )
  if (model.positions !== undefined && recipe.sequenceLength > model.positions)
    throw new ConfigError(
      `sequenceLength: expected at most ${model.positions}, the positions that ${recipe.architecture} learns, got ${recipe.sequenceLength}`,
    )
  checkCarry(model, recipe.carry)
  checkEffect(recipe, model)
  const paths = flatten(model.params).map(([path]) => path)
  const options: BackendOptions = {
    model,
    batch: recipe.batch,
    sequenceLength: recipe.sequenceLength,
    optimizer: recipe.optimizer,
    accumulate: recipe.accumulate,
    recompute: recipe.recompute,
    maxLabels: recipe.maxLabels,
    precision: recipe.precision,
    deterministic: recipe.deterministic,
    carry: recipe.carry,
    lrScale: lrScaleOf(givenScales(recipe, paths), paths),
    threads,
    ...devices[0]!,
    random: new Random(`${recipe.seed} dropout`),
    ...(progress ? { progress } : {}),
  }
  checkMemory(options)
  return options
}

function openBackend(options: BackendOptions, { backend, devices }: Choices, seed: number): Promise<Backend> {
  if (backend === 'tfjs') return createTensorFlowBackend(options, seed)
  return devices.length > 1 ? createParallelBackend(options, devices, seed) : createCompiledBackend(options, seed)
}
