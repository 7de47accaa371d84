/** The safetensors format: an 8-byte little-endian header length, a JSON header, the raw numbers. */
import { open, type FileHandle } from 'node:fs/promises'
import { FileError } from './files.ts'
import { bytesPerElement, createTensor, elementCount, type Dtype, type Tensor } from '../runtime/tensor.ts'

/** The tensors of one file, by name. */
export type NamedTensors = Readonly<Record<string, Tensor>>

/** Named tensors, and the texts of the header's `__metadata__`. */
export interface Safetensors {
  readonly tensors: NamedTensors
  readonly metadata: Readonly<Record<string, string>>
}

/** Thrown when bytes are not a safetensors file. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError' as const
}

/** The reference implementation refuses longer headers too. */
const maxHeaderBytes = 100_000_000

const dtypeNames: Record<Dtype, string> = {
  float32: 'F32',
  float16: 'F16',
  int64: 'I64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
}
const dtypes = new Map(Object.entries(dtypeNames).map(([dtype, name]) => [name, dtype as Dtype]))

/** The file as pieces to write one after another: the header, then every tensor's own memory (nothing is copied). */
export function encodeSafetensors(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {}
  const pieces: Uint8Array[] = []
  let offset = 0
  for (const [name, tensor] of sorted(tensors)) {
    const { dtype, dims, data } = tensor
    if (name === '__metadata__') throw new SafetensorsError('tensor __metadata__: the name is taken by the format')
    header[name] = { dtype: dtypeNames[dtype], shape: dims, data_offsets: [offset, offset + data.byteLength] }
    pieces.push(bytesOf(tensor))
    offset += data.byteLength
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const start = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20)
  new DataView(start.buffer).setBigUint64(0, BigInt(start.length - 8), true)
  start.set(json, 8)
  return [start, ...pieces]
}

/** Reads a whole file from memory; `where` names it in errors. The tensors own their memory. */
export function decodeSafetensors(bytes: Uint8Array, where = 'safetensors'): Safetensors {
  const start = 8 + headerLength(bytes, bytes.length, where)
  const { entries, metadata } = readHeader(bytes.subarray(8, start), bytes.length - start, where)
  const tensors: Record<string, Tensor> = {}
  for (const [name, { dtype, shape, from, to }] of entries) {
    const tensor = createTensor(dtype, shape)
    bytesOf(tensor).set(bytes.subarray(start + from, start + to))
    tensors[name] = tensor
  }
  return { tensors, metadata }
}

/** Reads a file tensor by tensor, so that it is in memory once. Throws FileError or SafetensorsError. */
export async function readSafetensors(path: string): Promise<Safetensors> {
  try {
    return await readTensors(path)
  } catch (cause) {
    if (cause instanceof SafetensorsError) throw cause
    throw FileError.of(path, 'read', cause)
  }
}

async function readTensors(path: string): Promise<Safetensors> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const head = await readAt(file, 0, new Uint8Array(Math.min(8, size)))
    const start = 8 + headerLength(head, size, path)
    const header = await readAt(file, 8, new Uint8Array(start - 8))
    const { entries, metadata } = readHeader(header, size - start, path)
    const tensors: Record<string, Tensor> = {}
    for (const [name, { dtype, shape, from }] of entries) {
      const tensor = createTensor(dtype, shape)
      await readAt(file, start + from, bytesOf(tensor))
      tensors[name] = tensor
    }
    return { tensors, metadata }
  } finally {
    await file.close()
  }
}

interface Entry {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly from: number
  readonly to: number
}

function headerLength(head: Uint8Array, size: number, where: string): number {
  if (head.length < 8) throw fail(where, `expected at least 8 bytes, got ${head.length}`)
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true)
  if (length > BigInt(maxHeaderBytes))
    throw fail(where, `header: expected at most ${maxHeaderBytes} bytes, got ${length}`)
  if (8n + length > BigInt(size)) throw fail(where, `header: expected ${length} bytes, got ${size - 8}`)
  return Number(length)
}

/** The tensors in the order of their bytes, which must be exactly `size` with neither gap nor overlap. */
function readHeader(bytes: Uint8Array, size: number, where: string) {
  const { __metadata__: metadata, ...rest } = parseHeader(bytes, where)
  const entries = Object.entries(rest).map(checkedEntry(where)).toSorted(byOffset)
  let end = 0
  for (const [name, { from, to }] of entries) {
    if (from !== end) throw fail(where, `tensor ${name}: expected it to begin at ${end}, got ${from}`)
    end = to
  }
  if (end !== size) throw fail(where, `expected ${end} bytes of tensors, got ${size}`)
  return { entries, metadata: checkedMetadata(metadata, where) }
}

function parseHeader(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const header: unknown = JSON.parse(text)
    if (typeof header !== 'object' || header === null || Array.isArray(header)) throw new Error('it is not an object')
    refuseDuplicates(text)
    return header as Record<string, unknown>
  } catch (cause) {
    throw new SafetensorsError(`${where}: header: ${(cause as Error).message}`, { cause })
  }
}

/** JSON.parse keeps the last of two equal keys in silence: compare with how many keys the first level has. */
function refuseDuplicates(text: string): void {
  const seen = new Set<string>()
  let depth = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1 && token.endsWith(':')) {
      const key = JSON.parse(token.slice(0, -1)) as string
      if (seen.has(key)) throw new Error(`the key "${key}" is there twice`)
      seen.add(key)
    }
  }
}

function checkedEntry(where: string): (entry: [string, unknown]) => [string, Entry] {
  return ([name, value]) => {
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>
    const known = dtypes.get(String(dtype))
    if (known === undefined) {
      throw fail(where, `tensor ${name}: expected a type of ${[...dtypes.keys()].join(' ')}, got ${String(dtype)}`)
    }
    if (!isSizes(shape))
      throw fail(where, `tensor ${name}: expected a shape of whole numbers, got ${JSON.stringify(shape)}`)
    const [from, to] = isSizes(offsets) ? offsets : []
    if (from === undefined || to === undefined || to < from) {
      throw fail(where, `tensor ${name}: expected two offsets, got ${JSON.stringify(offsets)}`)
    }
    const expected = elementCount(shape) * bytesPerElement(known)
    if (expected !== to - from)
      throw fail(where, `tensor ${name}: expected ${expected} bytes for [${shape.join(', ')}], got ${to - from}`)
    return [name, { dtype: known, shape, from, to }]
  }
}

function checkedMetadata(metadata: unknown, where: string): Record<string, string> {
  if (metadata === undefined) return {}
  if (
    typeof metadata !== 'object' ||
    metadata === null ||
    Object.values(metadata).some((text) => typeof text !== 'string')
  ) {
    throw fail(where, 'header: expected __metadata__ to hold texts only')
  }
  return metadata as Record<string, string>
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)
}

/** Tensors of wide numbers first, so that each is aligned; then by name, so that equal contents give equal files. */
function sorted(tensors: NamedTensors): [string, Tensor][] {
  return Object.entries(tensors).toSorted(
    (a, b) => b[1].data.BYTES_PER_ELEMENT - a[1].data.BYTES_PER_ELEMENT || (a[0] < b[0] ? -1 : 1),
  )
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** Fills `into` from a place in the file; a single read may give less than asked for. */
async function readAt(file: FileHandle, position: number, into: Uint8Array): Promise<Uint8Array> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, Math.min(into.length - done, 2 ** 30), position + done)
    if (bytesRead === 0) throw new SafetensorsError(`expected ${into.length} bytes at ${position}, got ${done}`)
    done += bytesRead
  }
  return into
}

function byOffset(a: [string, Entry], b: [string, Entry]): number {
  return a[1].from - b[1].from || a[1].to - b[1].to
}

function fail(where: string, what: string): SafetensorsError {
  return new SafetensorsError(`${where}: ${what}`)
}
