/** Fills in the model that a run starts with: the base of an adapter, or a published model that is trained on. */
import { join } from 'node:path'
import { loadCheckpoint } from '../run/checkpoint.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { recipes } from '../recipes/registry.ts'
import { loadAdapter, type TrainedAdapter } from '../export/adapter.ts'
import { loadTrained } from '../export/weights.ts'
import { checkModelFiles, fingerprint, isPublishedModel, openModelFiles } from './model-files.ts'
import { ImportError } from '../../exporter/import/import-error.ts'

/**
 * The recipe of an adapter without a base, with the architecture, options and tokenizer of the checkpoint or published
 * model that it starts from, or of its own run in `resumed`. A recipe of a published family that starts from a model of it
 * gets that model's options and tokenizer; any other recipe is as it is.
 */
export async function withBase(recipe: Recipe, resumed?: string): Promise<Recipe> {
  const { checkpoint } = recipe.start
  const adapts = recipe.architecture === 'adapter'
  if (adapts && recipe.model['base'] !== '') return recipe
  if (resumed !== undefined) {
    if (!adapts) return recipe
    const saved = (await loadCheckpoint(join(resumed, 'last'))).state['config'] as unknown as Recipe
    const { base, baseConfig, source = '', sourceHash = '' } = saved.model
    return { ...recipe, tokenizer: saved.tokenizer, model: { ...recipe.model, base, baseConfig, source, sourceHash } }
  }
  if (checkpoint !== '' && isPublishedModel(checkpoint)) return withPublished(recipe, checkpoint)
  if (!adapts) return recipe
  if (checkpoint === '')
    throw new ImportError(
      'adapter.base: expected --init with a run or a published model to adapt, or model.base and model.baseConfig',
    )
  const adapter = await loadAdapter(checkpoint, sourceOf(recipe))
  if (adapter) return withAdapter(recipe, adapter)
  const { model, folder } = await loadTrained(checkpoint)
  return {
    ...recipe,
    tokenizer: { kind: 'folder', vocab: 0, folder },
    model: { ...recipe.model, base: model.architecture, baseConfig: model.config },
  }
}

/** An adapter of a published model is trained on: its base is what it was made for, wherever that lies now. */
async function withAdapter(recipe: Recipe, { config, base, folder }: TrainedAdapter): Promise<Recipe> {
  await checkModelFiles(base)
  const { base: family, baseConfig, sourceHash } = (config as unknown as Recipe).model
  const model = { ...recipe.model, base: family, baseConfig, source: base.path, sourceHash }
  return { ...recipe, tokenizer: { kind: 'folder', vocab: 0, folder }, model }
}

/** Where the published model is said to lie. */
function sourceOf({ model: { source } }: Recipe): string | undefined {
  return typeof source === 'string' && source !== '' ? source : undefined
}

async function withPublished(recipe: Recipe, path: string): Promise<Recipe> {
  const files = await openModelFiles(path)
  try {
    const { architecture: family, config } = files.model
    const tokenizer = { kind: 'folder', vocab: 0, folder: path } as const
    if (recipe.architecture === 'adapter') {
      const sourceHash = await fingerprint(files)
      const base = { base: family, baseConfig: config, source: path, sourceHash }
      return { ...recipe, tokenizer, model: { ...recipe.model, ...base } }
    }
    if (recipe.architecture !== family)
      throw new ImportError(`--init: expected a model of ${recipe.architecture}, ${path} is one of ${family}`)
    checkOptions(recipe, path)
    return { ...recipe, tokenizer, model: config }
  } finally {
    await files.source.tensors.close()
  }
}

/** Throws ImportError where options were set that are those of the files. */
function checkOptions({ name, model }: Recipe, path: string): void {
  const known = recipes.get(name)?.model ?? {}
  const changed = Object.keys(model).find((option) => JSON.stringify(model[option]) !== JSON.stringify(known[option]))
  if (changed !== undefined)
    throw new ImportError(`model.${changed}: is that of ${path} (--init); leave it out, or leave out --init`)
}
