/** Writes a safetensors file of bfloat16 numbers, a piece at a time. */
import { open } from 'node:fs/promises'
import type { RandomTensor } from './qwen35-tensors.ts'

export async function writeSafetensors(path: string, tensors: readonly RandomTensor[]): Promise<void> {
  const header: Record<string, object> = {}
  let end = 0
  for (const { name, shape } of tensors) {
    const begin = end
    end += 2 * shape.reduce((a, b) => a * b, 1)
    header[name] = { dtype: 'BF16', shape, data_offsets: [begin, end] }
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const file = await open(path, 'w')
  try {
    await file.write(Buffer.concat([length, text]))
    for (const { numbers } of tensors) for (const piece of numbers()) await file.write(bfloat16(piece))
  } finally {
    await file.close()
  }
}

/** The upper halves of float32 numbers. */
export function bfloat16(numbers: Float32Array): Uint8Array {
  const halves = new Uint16Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length)
  const upper = new Uint16Array(numbers.length)
  for (let i = 0; i < upper.length; i++) upper[i] = halves[2 * i + 1]!
  return new Uint8Array(upper.buffer)
}
