/** Fills in the base of an adapter from the run that it starts with. */
import { join } from 'node:path'
import { loadCheckpoint } from '../run/checkpoint.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { loadTrained } from '../export/weights.ts'
import { ImportError } from './published.ts'

/**
 * The recipe of an adapter without a base, with the architecture, options and tokenizer of the checkpoint that it
 * starts from, or of its own run in `resumed`; any other recipe as it is.
 */
export async function withBase(recipe: Recipe, resumed?: string): Promise<Recipe> {
  if (recipe.architecture !== 'adapter' || recipe.model['base'] !== '') return recipe
  const put = (base: unknown, baseConfig: unknown, tokenizer: Recipe['tokenizer']): Recipe => ({
    ...recipe,
    tokenizer,
    model: { ...recipe.model, base, baseConfig },
  })
  if (resumed !== undefined) {
    const saved = (await loadCheckpoint(join(resumed, 'last'))).state['config'] as unknown as Recipe
    return put(saved.model['base'], saved.model['baseConfig'], saved.tokenizer)
  }
  if (recipe.start.checkpoint === '')
    throw new ImportError('adapter.base: expected --init with a run to adapt, or model.base and model.baseConfig')
  const { model, folder } = await loadTrained(recipe.start.checkpoint)
  return put(model.architecture, model.config, { kind: 'folder', vocab: 0, folder })
}
