/** Arguments of `mneme train` for a recipe with another system. */
import type { System } from './systems.ts'

/** The recipe's task and schedule, the system's architecture and sizes. */
export function recipeOf(
  recipe: string,
  system: System,
  { seed = 1, steps, set = [] }: { seed?: number; steps?: number; set?: readonly string[] },
): string[] {
  const model = Object.entries(system.model).map(([field, value]) => `model.${field}=${JSON.stringify(value)}`)
  // The results were measured with fifty updates of warm-up, whatever the steps
  const warmup = steps === undefined ? [] : ['schedule.warmup=50']
  const settings = [`architecture=${system.name}`, ...model, ...warmup, ...set]
  return [
    recipe,
    '--seed',
    String(seed),
    ...(steps === undefined ? [] : ['--steps', String(steps)]),
    ...settings.flatMap((setting) => ['--set', setting]),
  ]
}
