/** Writes a GGUF file (version 3): matrices in bfloat16, all else in float32, a piece at a time. */
import { open } from 'node:fs/promises'
import type { RandomTensor } from './qwen35-tensors.ts'
import { bfloat16 } from './safetensors-file.ts'

/** A value of the metadata, by its type. */
export type GgufValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly i32s: readonly number[] }
  | { readonly texts: readonly string[] }

const ALIGNMENT = 32
/** Types of tensors and of values, as the format numbers them. */
const F32 = 0
const BF16 = 30
const U32 = 4
const I32 = 5
const FLOAT = 6
const BOOL = 7
const STRING = 8
const ARRAY = 9

export async function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly RandomTensor[],
): Promise<void> {
  const entries = Object.entries(metadata)
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length)]
  for (const [key, value] of entries) head.push(text(key), encoded(value))
  let offset = 0
  for (const { gguf, ggufShape } of tensors) {
    const type = typeOf(ggufShape)
    head.push(text(gguf), u32(ggufShape.length), ...ggufShape.toReversed().map(u64), u32(type), u64(offset))
    offset += aligned((type === F32 ? 4 : 2) * ggufShape.reduce((a, b) => a * b, 1))
  }
  const header = Buffer.concat(head)
  const file = await open(path, 'w')
  try {
    await file.write(Buffer.concat([header, padding(header.length)]))
    for (const { ggufShape, toGguf, numbers } of tensors) {
      let bytes = 0
      for (const piece of numbers()) {
        const data = typeOf(ggufShape) === F32 ? new Uint8Array(piece.map(toGguf).buffer) : bfloat16(piece)
        await file.write(data)
        bytes += data.length
      }
      await file.write(padding(bytes))
    }
  } finally {
    await file.close()
  }
}

/** llama.cpp wants norms, decays and the taps of convolutions in float32. */
const typeOf = (shape: readonly number[]): number => (shape.length === 1 || shape.at(-1)! < ALIGNMENT ? F32 : BF16)

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
const padding = (bytes: number): Buffer => Buffer.alloc(aligned(bytes) - bytes)

function encoded(value: GgufValue): Buffer {
  if ('u32' in value) return Buffer.concat([u32(U32), u32(value.u32)])
  if ('f32' in value) return Buffer.concat([u32(FLOAT), Buffer.from(Float32Array.of(value.f32).buffer)])
  if ('bool' in value) return Buffer.concat([u32(BOOL), Buffer.of(value.bool ? 1 : 0)])
  if ('text' in value) return Buffer.concat([u32(STRING), text(value.text)])
  const [type, items] =
    'i32s' in value ? [I32, [Buffer.from(Int32Array.from(value.i32s).buffer)]] : [STRING, value.texts.map(text)]
  const count = 'i32s' in value ? value.i32s.length : value.texts.length
  return Buffer.concat([u32(ARRAY), u32(type), u64(count), ...items])
}

const u32 = (x: number): Buffer => Buffer.from(Uint32Array.of(x).buffer)
const u64 = (x: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(x)).buffer)

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}
