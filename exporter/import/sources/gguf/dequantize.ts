/** Blocks of 32 numbers with one scale each, to float32. Products and sums are rounded once, as gguf-py rounds them. */
import { fromHalf, type Decoder } from '../numbers.ts'

const BLOCK = 32

/** The 16 levels of the non-linear 4-bit types. */
export const LEVELS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)

export function half(bytes: Uint8Array, at: number): number {
  return fromHalf(bytes[at]! | (bytes[at + 1]! << 8))
}

/** Calls `one` for every block: where its bytes begin, and where its numbers go. */
function blocks(size: number, one: (bytes: Uint8Array, at: number, into: Float32Array, to: number) => void): Decoder {
  return (bytes, into) => {
    for (let to = 0, at = 0; to < into.length; to += BLOCK, at += size) one(bytes, at, into, to)
  }
}

/** scale, 16 bytes: the low halves are the first 16 numbers, the high halves the others. */
export const q4_0 = blocks(18, (bytes, at, into, to) => {
  const scale = half(bytes, at)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 2 + i]!
    into[to + i] = scale * ((pair & 15) - 8)
    into[to + 16 + i] = scale * ((pair >> 4) - 8)
  }
})

/** scale, minimum, 16 bytes as in Q4_0. */
export const q4_1 = blocks(20, (bytes, at, into, to) => {
  const scale = half(bytes, at)
  const minimum = half(bytes, at + 2)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 4 + i]!
    into[to + i] = scale * (pair & 15) + minimum
    into[to + 16 + i] = scale * (pair >> 4) + minimum
  }
})

/** scale, 32 fifth bits, 16 bytes as in Q4_0. */
export const q5_0 = blocks(22, (bytes, at, into, to) => {
  const scale = half(bytes, at)
  for (let i = 0; i < BLOCK; i++) into[to + i] = scale * (fiveBits(bytes, at + 2, i) - 16)
})

/** scale, minimum, 32 fifth bits, 16 bytes as in Q4_0. */
export const q5_1 = blocks(24, (bytes, at, into, to) => {
  const scale = half(bytes, at)
  const minimum = half(bytes, at + 2)
  for (let i = 0; i < BLOCK; i++) into[to + i] = scale * fiveBits(bytes, at + 4, i) + minimum
})

function fiveBits(bytes: Uint8Array, at: number, i: number): number {
  const high = (bytes[at + (i >> 3)]! >> (i & 7)) & 1
  const pair = bytes[at + 4 + (i & 15)]!
  return (i < 16 ? pair & 15 : pair >> 4) | (high << 4)
}

/** scale, 32 signed bytes. */
export const q8_0 = blocks(34, (bytes, at, into, to) => {
  const scale = half(bytes, at)
  for (let i = 0; i < BLOCK; i++) into[to + i] = scale * ((bytes[at + 2 + i]! << 24) >> 24)
})

/** As Q4_0, with the numbers of levels. */
export const iq4NL = blocks(18, (bytes, at, into, to) => {
  const scale = half(bytes, at)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 2 + i]!
    into[to + i] = scale * LEVELS[pair & 15]!
    into[to + 16 + i] = scale * LEVELS[pair >> 4]!
  }
})

/** The sixteen values of a 4-bit float with two bits of exponent. */
const E2M1 = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6)

/** An exponent of two (127 is 1), 16 bytes as in Q4_0 of 4-bit floats. */
export const mxfp4 = blocks(17, (bytes, at, into, to) => {
  const scale = 2 ** (bytes[at]! - 127)
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 1 + i]!
    into[to + i] = scale * E2M1[pair & 15]!
    into[to + 16 + i] = scale * E2M1[pair >> 4]!
  }
})
