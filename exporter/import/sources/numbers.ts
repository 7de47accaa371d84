/** Numbers as files store them, to float32. */

/** Little-endian bytes of one type to float32 values; `into` has one place for each number. */
export type Decoder = (bytes: Uint8Array<ArrayBuffer>, into: Float32Array) => void

const halfToFloat = halfTable()

/** The value of a float16 given by its bits. */
export function fromHalf(bits: number): number {
  return halfToFloat[bits]!
}

const single = new Float32Array(1)
const singleBits = new Uint32Array(single.buffer)

/** The bits of the nearest float16, of two as near the even one; infinity above 65,504 and a half step. */
export function toHalf(value: number): number {
  single[0] = value
  const bits = singleBits[0]!
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 112
  if (exponent >= 31) return sign | (exponent === 143 && (bits & 0x7fffff) !== 0 ? 0x7e00 : 0x7c00)
  if (exponent < -10) return sign
  const mantissa = exponent > 0 ? bits & 0x7fffff : (bits & 0x7fffff) | 0x800000
  const dropped = exponent > 0 ? 13 : 14 - exponent
  const kept = ((exponent > 0 ? exponent << 10 : 0) + (mantissa >>> dropped)) >>> 0
  const [rest, half] = [mantissa & ((1 << dropped) - 1), 1 << (dropped - 1)]
  // A carry goes into the exponent, as it should
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0))
}

export const decodeF32: Decoder = (bytes, into) => {
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes)
}

export const decodeF16: Decoder = (bytes, into) => {
  for (let i = 0; i < into.length; i++) into[i] = halfToFloat[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!
}

/** A bfloat16 is the upper half of a float32. */
export const decodeBF16: Decoder = (bytes, into) => {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let i = 0; i < bits.length; i++) bits[i] = ((bytes[2 * i]! | (bytes[2 * i + 1]! << 8)) << 16) >>> 0
}

export const decodeF64: Decoder = withView(8, (view, at) => view.getFloat64(at, true))
export const decodeI64: Decoder = withView(8, (view, at) => exact(Number(view.getBigInt64(at, true))))
export const decodeI32: Decoder = withView(4, (view, at) => exact(view.getInt32(at, true)))
export const decodeI16: Decoder = withView(2, (view, at) => view.getInt16(at, true))
export const decodeI8: Decoder = withView(1, (view, at) => view.getInt8(at))
export const decodeU8: Decoder = (bytes, into) => {
  into.set(bytes)
}

function withView(width: number, get: (view: DataView, at: number) => number): Decoder {
  return (bytes, into) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let i = 0; i < into.length; i++) into[i] = get(view, i * width)
  }
}

/** A float32 has every whole number up to 2^24 only. */
function exact(value: number): number {
  if (Math.abs(value) > 2 ** 24) throw new RangeError(`the whole number ${value} has no exact float32`)
  return value
}

/** All 65,536 values: a table is faster than taking the bits of each number apart. */
function halfTable(): Float32Array {
  return Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const sign = bits >= 2 ** 15 ? -1 : 1
    const exponent = (bits >> 10) & 31
    const fraction = bits & 1023
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
  })
}
