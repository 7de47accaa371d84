/** The architectures by name: the only list. */
import { adapterOf } from './adapter.ts'
import type { Architecture, Model } from './architecture.ts'
import { ConfigError } from './config.ts'
import { delta } from './delta.ts'
import { hmst } from './hmst.ts'
import { moc } from './moc.ts'
import { nmt } from './nmt.ts'
import { rsm } from './rsm.ts'
import { smt } from './smt.ts'
import { vanilla } from './vanilla.ts'

/** All but the adapter, which takes one of them as its base. */
const bases: ReadonlyMap<string, Architecture> = new Map(
  [vanilla, rsm, smt, delta, nmt, moc, hmst].map((a) => [a.name, a]),
)

export const architectures: ReadonlyMap<string, Architecture> = new Map([...bases, ['adapter', adapterOf(bases)]])

/** The model that `architecture` and `options` describe; throws ConfigError for what cannot be. */
export function createModel(architecture: string, options: Record<string, unknown>): Model {
  const found = architectures.get(architecture)
  if (!found)
    throw new ConfigError(`architecture: expected one of ${[...architectures.keys()].join(', ')}, got ${architecture}`)
  return found.model(options)
}
