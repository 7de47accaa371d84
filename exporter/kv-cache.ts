/** How the keys and values of attention over all tokens are stored: in memory, in checkpoints and in pages on disk. */

import type { Model } from '../models/architecture.ts'
import { flatten, grows } from '../models/spec.ts'

/**
 * `float32` as they are computed. `float16` as ONNX Runtime's attention computes in half precision. `int8` in steps of a
 * scale for each head and channel, which is measured when a bundle is made; what is beyond 127 steps is stored as 127.
 */
export const KV_DTYPES = ['float32', 'float16', 'int8'] as const
export type KvDtype = (typeof KV_DTYPES)[number]

/** The step of int8 keys or values by the input that they are read from, such as `state.layers.0.k`: [heads * channels]. */
export type KvScales = ReadonlyMap<string, Float32Array>

/** The caches of one trace. */
export interface KvCaches {
  readonly dtype: KvDtype
  /** Of int8 caches. */
  readonly scales: KvScales
  /**
   * Written by the trace, by the input of the keys: how many channels of a head are rotated by position. Channel i and
   * its partner, half as many further on, are the two coordinates that are rotated.
   */
  readonly rotated: Map<string, number>
}

/** Caches for one trace of a graph. */
export const kvCaches = (dtype: KvDtype, scales: KvScales = new Map()): KvCaches => ({
  dtype,
  scales,
  rotated: new Map(),
})

/** Why keys and values of a model cannot be stored so; undefined where they can: as they are, or of attention over all tokens. */
export function kvRefusal(kv: KvDtype, architecture: string, { state }: Pick<Model, 'state'>): string | undefined {
  if (kv === 'float32' || flatten(state).some(([, spec]) => grows(spec))) return undefined
  return `--kv: expected float32 for ${architecture}, which keeps no keys and values of all tokens (its state has a fixed size), got ${kv}`
}
