/** The GGUF format, versions 2 and 3, little-endian: metadata, and where each tensor is. */
import { SourceError } from '../contract.ts'
import type { FileBytes } from '../file-bytes.ts'
import { GgufCursor, type MetadataValue } from './cursor.ts'
import { ggmlType, type GgmlType } from './types.ts'

export type Metadata = ReadonlyMap<string, MetadataValue>

export interface GgufTensor {
  readonly type: GgmlType
  /** Row-major, outermost first; GGUF itself writes the innermost first. */
  readonly shape: readonly number[]
  /** The first byte, counted from the beginning of the file. */
  readonly at: number
  readonly file: FileBytes
}

export interface GgufFile {
  readonly metadata: Metadata
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

const MAX_DIMENSIONS = 4
/** The least bytes that a key with its value, and the description of a tensor, take. */
const LEAST_ENTRY_BYTES = 13
const LEAST_TENSOR_BYTES = 32

/** Reads what a GGUF file says of itself. Throws SourceError for anything that the format does not allow. */
export async function readGguf(file: FileBytes): Promise<GgufFile> {
  const cursor = new GgufCursor(file)
  if (file.size < 24) throw new SourceError(`${file.path}: expected a GGUF file, got ${file.size} bytes`)
  if ((await cursor.magic()) !== 'GGUF') throw new SourceError(`${file.path}: expected a GGUF file, got another format`)
  checkVersion(file.path, await cursor.u32())
  const tensorCount = await cursor.count('tensors', LEAST_TENSOR_BYTES)
  const entryCount = await cursor.count('metadata entries', LEAST_ENTRY_BYTES)
  const metadata = new Map<string, MetadataValue>()
  for (let i = 0; i < entryCount; i++) {
    const key = await cursor.string('a metadata key')
    if (metadata.has(key)) throw new SourceError(`${file.path}: ${key}: is there twice`)
    metadata.set(key, await cursor.value(key))
  }
  const listed: Listed[] = []
  for (let i = 0; i < tensorCount; i++) listed.push(await readListed(cursor, file.path))
  const alignment = alignmentOf(file.path, metadata)
  const start = Math.ceil(cursor.at / alignment) * alignment
  return { metadata, tensors: placed(file, listed, start, alignment) }
}

function checkVersion(path: string, version: number): void {
  if (version === 2 || version === 3) return
  if (version > 0 && version % 2 ** 24 === 0)
    throw new SourceError(`${path}: is a big-endian GGUF file; expected a little-endian one`)
  throw new SourceError(`${path}: expected version 2 or 3 of GGUF, got ${version}`)
}

function alignmentOf(path: string, metadata: Metadata): number {
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || alignment < 1 || alignment > 2 ** 20 || !Number.isInteger(Math.log2(alignment)))
    throw new SourceError(`${path}: general.alignment: expected a power of two up to 1048576, got ${String(alignment)}`)
  return alignment
}

interface Listed {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: GgmlType
  readonly offset: number
  readonly bytes: number
}

async function readListed(cursor: GgufCursor, path: string): Promise<Listed> {
  const name = await cursor.string('the name of a tensor')
  const where = `${path}: tensor ${name}`
  const dimensions = await cursor.u32()
  if (dimensions > MAX_DIMENSIONS)
    throw new SourceError(`${where}: expected at most ${MAX_DIMENSIONS} dimensions, got ${dimensions}`)
  const sizes: number[] = []
  for (let i = 0; i < dimensions; i++) sizes.push(await cursor.u64())
  const type = ggmlType(await cursor.u32(), where)
  const offset = await cursor.u64()
  const elements = sizes.reduce((product, size) => product * size, 1)
  if (elements < 1 || !Number.isSafeInteger(elements))
    throw new SourceError(`${where}: expected sizes of at least 1 that a file can hold, got [${sizes.join(', ')}]`)
  const row = sizes[0] ?? 1
  if (row % type.block !== 0)
    throw new SourceError(`${where}: expected rows of a multiple of ${type.block} for ${type.name}, got ${row}`)
  return { name, shape: sizes.toReversed(), type, offset, bytes: (elements / type.block) * type.bytes }
}

/** Checks that tensors lie in the file, aligned and apart. */
function placed(file: FileBytes, listed: readonly Listed[], start: number, alignment: number): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>()
  let end = 0
  for (const { name, shape, type, offset, bytes } of listed.toSorted((a, b) => a.offset - b.offset)) {
    const where = `${file.path}: tensor ${name}`
    if (tensors.has(name)) throw new SourceError(`${where}: is there twice`)
    if (offset % alignment !== 0)
      throw new SourceError(`${where}: expected an offset of a multiple of ${alignment}, got ${offset}`)
    if (offset < end)
      throw new SourceError(`${where}: overlaps the tensor before it, which ends at ${end}: got ${offset}`)
    end = offset + bytes
    if (start + end > file.size)
      throw new SourceError(`${where}: expected ${bytes} bytes at byte ${start + offset}, the file has ${file.size}`)
    tensors.set(name, { type, shape, at: start + offset, file })
  }
  return tensors
}
