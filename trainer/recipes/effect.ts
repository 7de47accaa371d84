/** Refuses settings that would have no effect on the model. */
import type { Model } from '../../models/architecture.ts'
import { ConfigError } from '../../models/config.ts'
import type { Recipe } from './recipe.ts'
import { recipes } from './registry.ts'

/** Throws ConfigError with the first setting that has no effect on the model. */
export function checkEffect(recipe: Recipe, model: Model): void {
  const layers = layersOf(model.config)
  if (layers !== undefined && recipe.recompute > layers)
    throw new ConfigError(
      `recompute: expected at most the ${layers} layers of the model, got ${recipe.recompute}: more segments save no memory`,
    )
}

/** The factors of learning rates, without those of the recipe itself that go with another model than the changed one. */
export function givenScales({ name, lrScales }: Recipe, paths: readonly string[]): Recipe['lrScales'] {
  const own = recipes.get(name)?.lrScales ?? {}
  const isUsed = (part: string): boolean => paths.some((path) => path === part || path.startsWith(`${part}.`))
  return Object.fromEntries(Object.entries(lrScales).filter(([part, scale]) => own[part] !== scale || isUsed(part)))
}

/** A number, a list of kinds as in "adad", or that of an adapter's base; families have the names of their configurations. */
function layersOf(config: Readonly<Record<string, unknown>>): number | undefined {
  const layers = config['layers'] ?? config['num_hidden_layers'] ?? config['n_layer']
  if (typeof layers === 'number') return layers
  if (typeof layers === 'string') return layers.length
  const base = config['baseConfig'] as Readonly<Record<string, unknown>> | undefined
  return base ? layersOf(base) : undefined
}
