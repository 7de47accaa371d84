/** Recipes from what they say: every other setting at its default. */
import { ConfigError, configureTree } from '../../models/config.ts'
import { checkRules } from './check.ts'
import { dataSettings, settings } from './fields.ts'
import type { Recipe, RecipeDefinition, TextSource } from './recipe.ts'

/** The recipe with every setting. Throws ConfigError with the first one that is unknown or out of range. */
export function defineRecipe(definition: RecipeDefinition): Recipe {
  const { name, about, architecture, model, data, ...own } = definition
  for (const [key, value] of Object.entries({ name, about, architecture }))
    if (typeof value !== 'string') throw new ConfigError(`${key}: expected a text, got ${JSON.stringify(value)}`)
  if (typeof model !== 'object' || model === null || Array.isArray(model))
    throw new ConfigError(`model: expected an object of the architecture's options, got ${JSON.stringify(model)}`)
  const recipe = { name, about, architecture, model, data: configureData(data), ...configureTree('', settings, own) }
  checkRules(recipe)
  return recipe
}

/** `data` with every setting of its kind. */
export function configureData(data: Recipe['data']): Recipe['data'] {
  const { kind, ...given } = data
  const fields = Object.hasOwn(dataSettings, kind) ? dataSettings[kind] : undefined
  if (!fields)
    throw new ConfigError(
      `data.kind: expected one of ${Object.keys(dataSettings).join(', ')}, got ${JSON.stringify(kind)}`,
    )
  return { kind, ...configureTree('data', fields, given) } as unknown as Recipe['data']
}

/** Text that is named with --data. */
export const textData = configureData({ kind: 'text' } as TextSource)
