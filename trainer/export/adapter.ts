/** Exports what was trained on a published model: the model as it is imported, with what was added. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Imported, ImportOptions } from '../../exporter/import/import-options.ts'
import { importModel } from '../../exporter/import/import.ts'
import { checkWeights } from '../../exporter/weights.ts'
import { createModel } from '../../models/registry.ts'
import type { Model } from '../../models/architecture.ts'
import { flatten } from '../../models/spec.ts'
import { openText } from '../../runtime/text.ts'
import type { JsonValue } from '../data/batch.ts'
import { inFloat32 } from '../import/checkpoint.ts'
import { checkModelFiles, type ModelFiles, publishedBase } from '../import/model-files.ts'
import { loadCheckpoint } from '../run/checkpoint.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { generationOf } from './generation.ts'

/** A checkpoint of an adapter whose base is a published model. */
export interface TrainedAdapter {
  readonly model: Model
  /** What was added, by path. */
  readonly weights: ReadonlyMap<string, Float32Array>
  readonly base: ModelFiles
  /** The checkpoint's folder. */
  readonly folder: string
  readonly step: number
  readonly config: { readonly [key: string]: JsonValue }
}

/** Reads a checkpoint or a run's last one, without its base; undefined where it is none of an adapter on published weights. */
export async function loadAdapter(run: string, source: string | undefined): Promise<TrainedAdapter | undefined> {
  const folder = existsSync(join(run, 'last')) ? join(run, 'last') : run
  const { state, model: tensors, step } = await loadCheckpoint(folder)
  const config = state['config'] as { readonly [key: string]: JsonValue }
  const { architecture, model: options } = config as unknown as Recipe
  const moved = source === undefined ? {} : { source }
  const model = createModel(architecture, { ...options, ...moved }, openText(folder).vocabSize)
  const base = publishedBase(model)
  if (!base || !flatten(model.params).some(([, spec]) => spec.published)) return undefined
  const weights = new Map(Object.entries(tensors).map(([path, { data }]) => [path, inFloat32(data)]))
  return { model, weights, base, folder, step, config }
}

/** Writes the bundle. Throws where the base's files are not those that were adapted, or weights are missing. */
export async function exportAdapter(
  { model, weights, base, folder, step, config }: TrainedAdapter,
  o: Pick<ImportOptions, 'out' | 'name' | 'quantization' | 'kv'>,
): Promise<Imported> {
  checkWeights({ ...model, params: own(model) }, weights)
  await checkModelFiles(base)
  return importModel({
    source: base.path,
    out: o.out,
    name: o.name ?? (config['name'] as string),
    quantization: o.quantization,
    kv: o.kv,
    tokenizer: folder,
    adapter: {
      model,
      weights,
      about: { recipe: config['name'], step, seed: config['seed'] },
      generation: generationOf(config),
    },
  })
}

/** Parameters that the base has not. */
function own({ params }: Model): Model['params'] {
  return Object.fromEntries(Object.entries(params).filter(([group]) => group !== 'base'))
}
