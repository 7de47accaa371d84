/** Blocks of 256 numbers whose parts of 16 or 32 have quantised scales of their own, to float32. */
import type { Decoder } from '../numbers.ts'
import { half, LEVELS } from './dequantize.ts'

const BLOCK = 256

/** Calls `one` for every block: where its bytes begin, and where its numbers go. */
function blocks(size: number, one: (bytes: Uint8Array, at: number, into: Float32Array, to: number) => void): Decoder {
  return (bytes, into) => {
    for (let to = 0, at = 0; to < into.length; to += BLOCK, at += size) one(bytes, at, into, to)
  }
}

/** Number i of 2-bit numbers: each 32 bytes hold four parts of 32 numbers. */
function twoBits(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i >> 7) * 32 + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3
}

/** Number i of 4-bit numbers: each 32 bytes hold two parts of 32 numbers. */
function fourBits(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i >> 6) * 32 + (i & 31)]! >> (4 * ((i >> 5) & 1))) & 15
}

/** 16 bytes of scale and minimum (4 bits each, for 16 numbers), 64 bytes, their scale, their minimum. */
export const q2K = blocks(84, (bytes, at, into, to) => {
  const scale = half(bytes, at + 80)
  const minimum = half(bytes, at + 82)
  for (let i = 0; i < BLOCK; i++) {
    const part = bytes[at + (i >> 4)]!
    into[to + i] = scale * (part & 15) * twoBits(bytes, at + 16, i) - minimum * (part >> 4)
  }
})

/** 32 bytes of third bits (0 subtracts 4), 64 bytes, 12 bytes of 6-bit scales for 16 numbers, their scale. */
export const q3K = blocks(110, (bytes, at, into, to) => {
  const scale = half(bytes, at + 108)
  for (let i = 0; i < BLOCK; i++) {
    const high = (bytes[at + (i & 31)]! >> (i >> 5)) & 1
    const quantised = twoBits(bytes, at + 32, i) - (high === 1 ? 0 : 4)
    into[to + i] = scale * q3KScale(bytes, at + 96, i >> 4) * quantised
  }
})

/** Eight bytes hold the low four bits of two scales each, four more the high two bits of four each. */
function q3KScale(bytes: Uint8Array, at: number, part: number): number {
  const low = (bytes[at + (part & 7)]! >> (part < 8 ? 0 : 4)) & 15
  const high = (bytes[at + 8 + (part & 3)]! >> (2 * (part >> 2))) & 3
  return (low | (high << 4)) - 32
}

/** scale, minimum, 12 bytes of 6-bit scales and minima for 32 numbers, 128 bytes. */
export const q4K = blocks(144, (bytes, at, into, to) => {
  for (let part = 0; part < 8; part++) {
    const scale = half(bytes, at) * sixBitScale(bytes, at + 4, part)
    const minimum = half(bytes, at + 2) * sixBitMinimum(bytes, at + 4, part)
    for (let i = part * 32; i < part * 32 + 32; i++) into[to + i] = scale * fourBits(bytes, at + 16, i) - minimum
  }
})

/** As Q4_K, with 32 bytes of fifth bits before the 128. */
export const q5K = blocks(176, (bytes, at, into, to) => {
  for (let part = 0; part < 8; part++) {
    const scale = half(bytes, at) * sixBitScale(bytes, at + 4, part)
    const minimum = half(bytes, at + 2) * sixBitMinimum(bytes, at + 4, part)
    for (let i = part * 32; i < part * 32 + 32; i++) {
      const high = (bytes[at + 16 + (i & 31)]! >> part) & 1
      into[to + i] = scale * (fourBits(bytes, at + 48, i) | (high << 4)) - minimum
    }
  }
})

/** Four bytes of scales, four of minima, four with the low halves of the last four of both. */
export function sixBitScale(bytes: Uint8Array, at: number, part: number): number {
  if (part < 4) return bytes[at + part]! & 63
  return (bytes[at + 4 + part]! & 15) | ((bytes[at + part - 4]! >> 2) & 48)
}

export function sixBitMinimum(bytes: Uint8Array, at: number, part: number): number {
  if (part < 4) return bytes[at + 4 + part]! & 63
  return (bytes[at + 4 + part]! >> 4) | ((bytes[at + part]! >> 2) & 48)
}

/** 128 bytes of low halves, 64 of two more bits, 16 signed scales for 16 numbers, their scale. */
export const q6K = blocks(210, (bytes, at, into, to) => {
  const scale = half(bytes, at + 208)
  for (let i = 0; i < BLOCK; i++) {
    const low = (bytes[at + (i >> 7) * 64 + (i & 63)]! >> (4 * ((i >> 6) & 1))) & 15
    const part = (bytes[at + 192 + (i >> 4)]! << 24) >> 24
    into[to + i] = scale * part * ((low | (twoBits(bytes, at + 128, i) << 4)) - 32)
  }
})

/** scale, high two bits of eight scales, their low four bits, 128 bytes: each 16 hold 32 numbers as in Q4_0. */
export const iq4XS = blocks(136, (bytes, at, into, to) => {
  const high = bytes[at + 2]! | (bytes[at + 3]! << 8)
  for (let part = 0; part < 8; part++) {
    const low = (bytes[at + 4 + (part >> 1)]! >> (4 * (part & 1))) & 15
    const scale = half(bytes, at) * ((low | (((high >> (2 * part)) & 3) << 4)) - 32)
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 8 + part * 16 + i]!
      into[to + part * 32 + i] = scale * LEVELS[pair & 15]!
      into[to + part * 32 + 16 + i] = scale * LEVELS[pair >> 4]!
    }
  }
})
