/** Arguments of `mneme train` for a recipe with another system. */
import type { System } from './systems.ts'

/** The recipe's task and schedule, the system's architecture and sizes. */
export function recipeOf(
  recipe: string,
  system: System,
  { seed = 1, steps, set = [] }: { seed?: number; steps?: number; set?: readonly string[] },
): string[] {
  const model = Object.entries(system.model).map(([field, value]) => `model.${field}=${JSON.stringify(value)}`)
  const settings = [`architecture=${system.name}`, ...model, ...set]
  return [
    recipe,
    '--seed',
    String(seed),
    ...(steps === undefined ? [] : ['--steps', String(steps)]),
    ...settings.flatMap((setting) => ['--set', setting]),
  ]
}
