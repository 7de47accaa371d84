/** Many memories with vectors that have neighbours, as those of sentences do. */
import type { MadeVector, Memory } from '../../server/store/memory-calls.ts'
import type { Store } from '../../server/store/store.ts'

/** Directions that vectors of sentences vary in, most in the first ones. */
const DIRECTIONS = 64
const DECAY = 0.96
const NOISE = 0.5

/** The same numbers in each run (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A source of vectors of length 1, by one embedder: a few directions explain most of them. */
export function vectorSource(width: number, seed: number): () => MadeVector {
  const random = generator(seed)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const axes = Array.from({ length: DIRECTIONS }, (_, i) =>
    Float32Array.from({ length: width }, () => normal() * DECAY ** i),
  )
  return () => {
    const vector = Float32Array.from({ length: width }, () => NOISE * normal())
    for (const axis of axes) {
      const share = normal()
      for (let i = 0; i < width; i++) vector[i]! += share * axis[i]!
    }
    const length = Math.hypot(...vector)
    return { embedder: 'e', vector: vector.map((value) => value / length) }
  }
}

export function plainMemory(id: string, text: string): Memory {
  const times = { created: 1, updated: 1, expires: null, ended: null }
  return { id, text, namespace: 'default', user: null, metadata: {}, source: null, fact: null, ...times }
}

/** Adds memories `from` up to `to`, some hundred in each transaction. */
export async function addMany(
  store: Pick<Store, 'addMemory'>,
  owner: string,
  [from, to]: readonly [number, number],
  next: () => MadeVector,
  textOf: (at: number) => string = (at) => `memory ${at}`,
): Promise<void> {
  for (let first = from; first < to; first += 500) {
    const some = Array.from({ length: Math.min(500, to - first) }, (_, i) => {
      const at = first + i
      return store.addMemory(owner, plainMemory(`${owner}-${at}`, textOf(at)), next())
    })
    await Promise.all(some)
  }
}
