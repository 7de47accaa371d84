/** Writes small GGUF files, right ones and wrong ones. */

export type GgufValue = number | string | boolean | readonly string[] | readonly number[] | Float
/** A number that is written as float32. */
export interface Float {
  readonly float: number
}

export interface GgufTensorToWrite {
  readonly name: string
  /** Row-major, outermost first. */
  readonly shape: readonly number[]
  /** The number of its type in the file, 0 for F32. */
  readonly type?: number
  readonly data: Uint8Array | Float32Array
  /** Written instead of the right one. */
  readonly offset?: number
}

export interface GgufToWrite {
  readonly metadata: Readonly<Record<string, GgufValue>>
  readonly tensors: readonly GgufTensorToWrite[]
  readonly version?: number
  readonly alignment?: number
}

export function writeGguf({ metadata, tensors, version = 3, alignment = 32 }: GgufToWrite): Buffer {
  const header = [Buffer.from('GGUF'), u32(version), u64(tensors.length), u64(Object.keys(metadata).length)]
  for (const [key, value] of Object.entries(metadata)) header.push(text(key), written(value))
  let end = 0
  const pieces: Buffer[] = []
  for (const { name, shape, type = 0, data, offset } of tensors) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    header.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset ?? end))
    pieces.push(padded(bytes, alignment))
    end += pieces.at(-1)!.length
  }
  return Buffer.concat([padded(Buffer.concat(header), alignment), ...pieces])
}

function written(value: GgufValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)])
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([value ? 1 : 0])])
  if (typeof value === 'number') return Buffer.concat([u32(4), u32(value)])
  if ('float' in value) return Buffer.concat([u32(6), f32(value.float)])
  const strings = typeof value[0] === 'string'
  const items = value.map((one) => (typeof one === 'string' ? text(one) : i32(one)))
  return Buffer.concat([u32(9), u32(strings ? 8 : 5), u64(value.length), ...items])
}

function padded(bytes: Buffer, alignment: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((alignment - (bytes.length % alignment)) % alignment)])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
