/** A bias for the experts of a model's routers: set for one turn, and stored with it, so that a replay reads with the same. */
import type { Gates } from '../checkpoint.ts'

/** The state entry that a model with such routers passes on unchanged. Stored states have zeros there. */
export const BIAS_ENTRY = 'expertBias'

const PREFIX = 'expert_bias.'

/** The bias as it is stored among the gates of a turn. */
export const gatesOfBias = (bias: readonly number[]): Gates =>
  Object.fromEntries(bias.map((value, expert) => [`${PREFIX}${expert}`, Math.fround(value)]))

/** The bias among the gates of a turn; null where there is none. */
export function biasIn(gates: Gates | undefined): Float32Array | null {
  const found = Object.entries(gates ?? {}).filter(([name]) => name.startsWith(PREFIX))
  if (found.length === 0) return null
  const bias = new Float32Array(found.length)
  for (const [name, value] of found) bias[Number(name.slice(PREFIX.length))] = value
  return bias
}
