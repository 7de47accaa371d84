/** The steps of int8 keys and values, measured on a text. */
import type { Decoder, State } from '../runtime/decoder.ts'
import type { StateEntry } from './decoder.ts'
import type { KvCaches, KvScales } from './kv-cache.ts'

/** Tokens of one call. */
const PIECE = 64
/** Steps to each side of zero. */
const STEPS = 127
/**
 * Another text may have so much larger keys and values than this one before they are stored as the largest number. The
 * length of a rotated pair is more than its channels are at most positions, so it needs less.
 */
export const MARGIN = { rotated: 1.1, other: 1.5 }

/**
 * Feeds the text to a decoder with float32 caches, traced with `kv`. Two channels that are rotated together get one step,
 * from the length of the pair: rotation does not change it, and turns the whole of it into one of them at some position.
 * SmolLM2 with steps for each channel alone had a divergence of 4e-2 after 1,500 tokens, and has 2e-3 so.
 */
export async function measureScales(
  decoder: Decoder,
  entries: readonly StateEntry[],
  { rotated }: KvCaches,
  ids: readonly number[],
): Promise<KvScales> {
  let state: State = decoder.start(1)
  for (let at = 0; at < ids.length; at += PIECE)
    state = (await decoder.run([ids.slice(at, at + PIECE)], state, -1)).state
  return new Map(
    entries
      .filter(({ kind }) => kind === 'append')
      .map(({ name, input }) => [input, scalesOf(state[name]!, ids.length, rotated.get(input) ?? 0)]),
  )
}

/** Of a cache [1, heads, capacity, channels] of which `positions` positions are filled. */
function scalesOf({ dims, data }: State[string], positions: number, rotated: number): Float32Array {
  const [, heads, capacity, channels] = dims as [number, number, number, number]
  const scales = new Float32Array(heads * channels)
  for (let head = 0; head < heads; head++) {
    const largest = scales.subarray(head * channels, (head + 1) * channels)
    for (let at = 0; at < positions; at++) {
      const from = (head * capacity + at) * channels
      const vector = (data as Float32Array).subarray(from, from + channels)
      for (let i = 0; i < channels; i++) largest[i] = Math.max(largest[i]!, sizeAt(vector, i, rotated))
    }
    // A channel that was almost nothing on this text may be more on another.
    const least = Math.max(...largest) / STEPS
    for (let i = 0; i < channels; i++) {
      const margin = i < rotated ? MARGIN.rotated : MARGIN.other
      largest[i] = (Math.max(largest[i]!, least) * margin || 1) / STEPS
    }
  }
  return scales
}

/** Of a channel that is not rotated its size, else the length of the pair that it and its partner are. */
function sizeAt(vector: Float32Array, channel: number, rotated: number): number {
  if (channel >= rotated) return Math.abs(vector[channel]!)
  const half = rotated / 2
  return Math.sqrt(vector[channel]! ** 2 + vector[channel < half ? channel + half : channel - half]! ** 2)
}
