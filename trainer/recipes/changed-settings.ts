/** What of a recipe is not as its name says. */
import { architectures, withoutVocabulary } from '../../models/registry.ts'
import { differences } from './differences.ts'
import type { Recipe } from './recipe.ts'
import { recipes } from './registry.ts'

export interface ChangedSetting {
  readonly path: string
  readonly value: unknown
}

/** The settings that differ from the known recipe of that name; all of them where there is none. */
export function changedSettings(recipe: Recipe): ChangedSetting[] {
  const known = recipes.get(recipe.name)
  // A run that is continued has all options of its model, and the vocabulary of its tokenizer
  const fields = Object.entries(architectures.get(recipe.architecture)?.fields ?? {})
  const defaults = Object.fromEntries(fields.map(([name, field]) => [name, field.default]))
  const model = withoutVocabulary(recipe.architecture, recipe.model)
  const named = known ? { ...known, model: { ...defaults, ...known.model } } : {}
  return differences({ ...recipe, model }, named).flatMap(({ path, one: value }) =>
    value === undefined ? [] : [{ path, value }],
  )
}
