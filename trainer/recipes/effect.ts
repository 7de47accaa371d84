/** Refuses settings that would have no effect on the model. */
import type { Model } from '../../models/architecture.ts'
import { ConfigError } from '../../models/config.ts'
import { flatten } from '../../models/spec.ts'
import { checkLrScales } from './lr-scales.ts'
import type { Recipe } from './recipe.ts'
import { recipes } from './registry.ts'

/** Throws ConfigError with the first setting that has no effect on the model. */
export function checkEffect(recipe: Recipe, model: Model): void {
  const own = recipes.get(recipe.name)?.lrScales ?? {} // these go with the recipe's model, which may have been changed
  const given = Object.entries(recipe.lrScales).filter(([path, scale]) => own[path] !== scale)
  checkLrScales(
    Object.fromEntries(given),
    flatten(model.params).map(([path]) => path),
  )
  const layers = layersOf(model.config)
  if (layers !== undefined && recipe.recompute > layers)
    throw new ConfigError(
      `recompute: expected at most the ${layers} layers of the model, got ${recipe.recompute}: more segments save no memory`,
    )
}

/** A number, a list of kinds as in "adad", or that of an adapter's base. */
function layersOf(config: Readonly<Record<string, unknown>>): number | undefined {
  const { layers, baseConfig } = config as { layers?: number | string; baseConfig?: Record<string, unknown> }
  if (typeof layers === 'number') return layers
  if (typeof layers === 'string') return layers.length
  return baseConfig ? layersOf(baseConfig) : undefined
}
