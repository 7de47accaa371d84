/** What a training step takes of the machine's memory, before any of it is asked for. */
import { totalmem } from 'node:os'
import { ConfigError } from '../../models/config.ts'
import { type Dim, elements, flatten, startShape } from '../../models/spec.ts'
import type { BackendOptions } from './backend.ts'

type Sized = Pick<BackendOptions, 'model' | 'batch' | 'carry' | 'optimizer' | 'device'>

const size = (shape: readonly Dim[], batch: number): number => elements(startShape(shape, batch))

/** Bytes of parameters, moments and carried state in two sets that take turns, and of the gradients. */
export function heldBytes({ model, batch, carry, optimizer }: Omit<Sized, 'device'>): number {
  const moment = optimizer.bits / 8
  const params = flatten(model.params).map(
    ([, { shape, frozen }]) => size(shape, batch) * (frozen ? 4 : 2 * (4 + 2 * moment) + 4),
  )
  const state = flatten(carry ? model.state : {}).map(([, { shape }]) => size(shape, batch) * 4 * 2)
  return [...params, ...state].reduce((a, b) => a + b, 0)
}

/** Memory of the machine or of the container, whichever is less. */
const available = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity)

/**
 * Throws ConfigError where a step needs more memory than the machine has: with swapping it would never end. On another
 * device values are in that one's memory, so they do not count.
 */
export function checkMemory(o: Sized, valueBytes = 0, most = available()): void {
  const held = heldBytes(o)
  if (o.device === 'cpu' ? held + valueBytes <= most : held <= most) return
  const values = valueBytes > 0 ? ` and ${inUnits(valueBytes)} of values` : ''
  throw new ConfigError(
    `model: a training step needs ${inUnits(held)} for parameters, moments and state${values}; ` +
      `this machine has ${inUnits(most)}. Take a smaller model or batch` +
      (valueBytes > 0 ? ', shorter rows (sequenceLength), or recompute=2 and more' : ''),
  )
}

/** In the largest unit of which there is at least one. */
export function inUnits(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
