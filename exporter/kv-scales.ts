/** The steps of int8 keys and values, measured on texts. */
import type { Decoder, State } from '../runtime/decoder.ts'
import type { StateEntry } from './decoder.ts'
import type { KvCaches, KvScales } from './kv-cache.ts'

/** Tokens of one call. */
const PIECE = 64
/** Steps to each side of zero. */
const STEPS = 127
/**
 * Another text may have so much larger keys and values than these before they are stored as the largest number. The
 * length of a rotated pair is more than its channels are at most positions, so it needs less.
 */
export const MARGIN = { rotated: 1.1, other: 1.5 }

/**
 * Feeds each text, from nothing, to a decoder with float32 caches, traced with `kv`. Two channels that are rotated together
 * get one step, from the length of the pair: rotation does not change it, and turns the whole of it into one of them at some
 * position. SmolLM2 with steps for each channel alone had a divergence of 4e-2 after 1,500 tokens, and has 2e-3 so.
 */
export async function measureScales(
  decoder: Decoder,
  entries: readonly StateEntry[],
  { rotated }: KvCaches,
  texts: readonly (readonly number[])[],
): Promise<KvScales> {
  const growing = entries.filter(({ kind }) => kind === 'append')
  const sizes = new Map<string, Float32Array>()
  for (const ids of texts) {
    let state: State = decoder.start(1)
    for (let at = 0; at < ids.length; at += PIECE)
      state = (await decoder.run([ids.slice(at, at + PIECE)], state, -1)).state
    for (const { name, input } of growing)
      sizes.set(input, largestSizes(state[name]!, ids.length, rotated.get(input) ?? 0, sizes.get(input)))
  }
  const channelsOf = new Map(growing.map(({ input, shape }) => [input, Number(shape.at(-1))]))
  return new Map(
    [...sizes].map(([input, found]) => [input, stepsOf(found, channelsOf.get(input)!, rotated.get(input) ?? 0)]),
  )
}

/**
 * Of each head and channel the largest size in a cache [1, heads, capacity, channels] of which `positions` positions are
 * filled, or what it was before.
 */
function largestSizes({ dims, data }: State[string], positions: number, rotated: number, before?: Float32Array) {
  const [, heads, capacity, channels] = dims as [number, number, number, number]
  const sizes = before ?? new Float32Array(heads * channels)
  for (let head = 0; head < heads; head++)
    for (let at = 0; at < positions; at++) {
      const from = (head * capacity + at) * channels
      const vector = (data as Float32Array).subarray(from, from + channels)
      for (let i = 0; i < channels; i++) {
        const of = head * channels + i
        sizes[of] = Math.max(sizes[of]!, sizeAt(vector, i, rotated))
      }
    }
  return sizes
}

/** Of a channel that is not rotated its size, else the length of the pair that it and its partner are. */
function sizeAt(vector: Float32Array, channel: number, rotated: number): number {
  if (channel >= rotated) return Math.abs(vector[channel]!)
  const half = rotated / 2
  return Math.sqrt(vector[channel]! ** 2 + vector[channel < half ? channel + half : channel - half]! ** 2)
}

function stepsOf(sizes: Float32Array, channels: number, rotated: number): Float32Array {
  return sizes.map((size, at) => {
    const head = at - (at % channels)
    // A channel that was almost nothing on these texts may be more on another.
    const least = Math.max(...sizes.subarray(head, head + channels)) / STEPS
    const margin = at % channels < rotated ? MARGIN.rotated : MARGIN.other
    return (Math.max(size, least) * margin || 1) / STEPS
  })
}
