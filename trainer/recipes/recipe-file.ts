/** Recipes as files: printed by `mneme train RECIPE --print-recipe`, read by `--recipe FILE`, written into each run. */
import { isAbsolute, resolve } from 'node:path'
import { isHubModelName } from '../../exporter/import/sources/hub/name.ts'
import { ConfigError } from '../../models/config.ts'
import { isHubName } from '../data/hub/name.ts'
import { readJson } from '../files.ts'
import { defineRecipe } from './define.ts'
import type { Recipe, RecipeDefinition } from './recipe.ts'
import { recipes } from './registry.ts'

/** The recipe as JSON, with every setting. */
export const recipeText = (recipe: Recipe): string => `${JSON.stringify(recipe, null, 2)}\n`

/** Reads a recipe; what it does not say is that of the known recipe of its name, or else at its default. */
export async function readRecipe(file: string): Promise<Recipe> {
  const given = await readJson(file)
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ConfigError(`${file}: expected an object with the settings of a recipe`)
  const { name } = given as Partial<RecipeDefinition>
  const known: Partial<Recipe> = recipes.get(name ?? '') ?? {}
  try {
    return defineRecipe({ about: '', ...known, ...given } as RecipeDefinition)
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ConfigError(`${file}: ${cause.message}`, { cause })
    throw cause
  }
}

/** The recipe with all paths made absolute: a run may be continued and exported from another folder. */
export function withAbsolutePaths(recipe: Recipe): Recipe {
  const absolute = (path: string): string =>
    path === '' || isAbsolute(path) || isHubName(path) || isHubModelName(path) ? path : resolve(path)
  const { data, tokenizer, start } = recipe
  return {
    ...recipe,
    data: absoluteData(data, absolute),
    tokenizer: { ...tokenizer, folder: absolute(tokenizer.folder) },
    start: {
      checkpoint: absolute(start.checkpoint),
      gpt2: absolute(start.gpt2),
      mamba: absolute(start.mamba),
    },
  }
}

function absoluteData(data: Recipe['data'], absolute: (path: string) => string): Recipe['data'] {
  if (data.kind === 'text') return { ...data, files: data.files.map(absolute), heldOut: data.heldOut.map(absolute) }
  if (data.kind === 'claims') return { ...data, judged: absolute(data.judged) }
  return data.kind === 'sentences' ? { ...data, folder: absolute(data.folder) } : data
}
