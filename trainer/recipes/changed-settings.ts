/** What of a recipe is not as its name says. */
import { architectures } from '../../models/registry.ts'
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
  const { vocab: _, ...model } = recipe.model
  return differences({ ...recipe, model }, known ? { ...known, model: { ...defaults, ...known.model } } : {}, '')
}

function differences(now: object, before: object, path: string): ChangedSetting[] {
  return Object.entries(now).flatMap(([key, value]): ChangedSetting[] => {
    const old = (before as Record<string, unknown>)[key]
    if (isGroup(value) && isGroup(old)) return differences(value, old, `${path}${key}.`)
    return JSON.stringify(value) === JSON.stringify(old) ? [] : [{ path: path + key, value }]
  })
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
