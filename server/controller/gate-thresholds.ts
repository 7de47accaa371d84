/** Thresholds of gates as the configuration gives them: `semantic=0.6,episodic=0.5`, or an object of a file. */
import { z } from 'zod'
import { GATES } from '../../runtime/controller-features.ts'

function read(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const pairs = value.split(',').map((part) => part.trim().split('='))
  // What has no number is told by the schema.
  return Object.fromEntries(pairs.map(([name = '', number]) => [name, number?.trim() ? Number(number) : number]))
}

export const gateThresholds = z.preprocess(read, z.partialRecord(z.enum(GATES), z.number().min(0).max(1)))
