/** How a trained model is served. */
import type { Manifest } from '../../runtime/bundle.ts'

/** What a recipe says of sampling and of what replies rest on; what it leaves open is left out. */
export function generationOf(config: Readonly<Record<string, unknown>>): Manifest['generation'] {
  return Object.fromEntries(Object.entries(config['generation'] ?? {}).filter(([, value]) => value !== null))
}
