/** A model of the hub that a run starts from: brought to this machine first, into the cache that other tools share. */
import { localSource } from '../../exporter/import/local-source.ts'
import type { Recipe } from '../recipes/recipe.ts'

/** The recipe with the folder or file of its model; `say` gets lines about what is downloaded. */
export async function withLocalModel(recipe: Recipe, say: (line: string) => void): Promise<Recipe> {
  const { checkpoint } = recipe.start
  if (checkpoint === '') return recipe
  return { ...recipe, start: { ...recipe.start, checkpoint: (await localSource(checkpoint, say)).path } }
}
