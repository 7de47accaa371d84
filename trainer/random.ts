/** A small seeded generator whose whole state is four numbers, so that a run can be continued bit for bit. */

/** The state of a generator: four unsigned 32-bit numbers, not all zero. */
export type RandomState = readonly [number, number, number, number]

/** xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021). */
export class Random {
  readonly #s: Uint32Array

  /** `seed`: a number, a text, or a saved state. */
  constructor(seed: number | string | RandomState) {
    this.#s = typeof seed === 'object' ? checkedState(seed) : seeded(String(seed))
  }

  /** The state from which `new Random(state)` continues exactly. */
  get state(): RandomState {
    return [...this.#s] as unknown as RandomState
  }

  /** Continues exactly as the generator that had this state. */
  restore(state: RandomState): void {
    this.#s.set(checkedState(state))
  }

  /** An unsigned 32-bit integer. */
  bits(): number {
    const s = this.#s
    const s1 = s[1] as number
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0
    s[2] = (s[2] as number) ^ (s[0] as number)
    s[3] = (s[3] as number) ^ s1
    s[1] = s1 ^ s[2]
    s[0] = (s[0] as number) ^ s[3]
    s[2] = s[2] ^ (s1 << 9)
    s[3] = rotate(s[3], 11)
    return result
  }

  /** A number in [0, 1), of 32 random bits. */
  uniform(): number {
    return this.bits() / 2 ** 32
  }

  /** An integer in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n)
  }

  /** An integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1)
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.uniform() < p
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('Random.pick: the list is empty')
    return list[this.int(list.length)] as T
  }

  /** One of a list by its shares, whose sum is 1. */
  pickByShare<T>(shares: readonly (readonly [T, number])[]): T {
    let left = this.uniform()
    for (const [one, share] of shares) {
      left -= share
      if (left < 0) return one
    }
    return this.pick(shares)[0] // sums of shares are rounded
  }

  /** A standard normal number (Box and Muller; the second one is dropped, so the state stays four numbers). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /** The same array, its elements in random order (Fisher and Yates). */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.int(i + 1)
      const kept = list[i] as T
      list[i] = list[j] as T
      list[j] = kept
    }
    return list
  }

  /** A generator of its own that depends on this one's present state and a name; this one does not move. */
  fork(name: string): Random {
    return new Random(`${this.#s.join(',')}/${name}`)
  }
}

/** FNV-1a of a text's UTF-16 units, 32 bits: stable across runs and machines. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

/** Four words from a text: splitmix32 over its hash. */
function seeded(text: string): Uint32Array {
  let x = hashText(text)
  return Uint32Array.from({ length: 4 }, (_, i) => {
    x = (x + 0x9e3779b9 + i) >>> 0
    let z = x ^ hashText(`${i}:${text}`)
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  })
}

function checkedState(state: RandomState): Uint32Array {
  const words = Uint32Array.from(state)
  if (words.length !== 4 || words.every((word) => word === 0)) {
    throw new RangeError(`random state: expected four numbers, not all zero, got ${JSON.stringify(state)}`)
  }
  return words
}
