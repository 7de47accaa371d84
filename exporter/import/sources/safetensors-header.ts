/** The header of a safetensors file: an 8-byte little-endian length, then JSON with the place of every tensor. */
import { SourceError } from './contract.ts'
import type { FileBytes } from './file-bytes.ts'
import { parseJsonObject, repeatedKey } from './json.ts'
import * as numbers from './numbers.ts'

/** Where one tensor is in a file. */
export interface StoredTensor {
  readonly dtype: StoredDtype
  readonly shape: readonly number[]
  /** The first byte, counted from the beginning of the file. */
  readonly at: number
}

interface StoredDtype {
  readonly name: string
  readonly bytes: number
  readonly decode: numbers.Decoder
}

/** The reference implementation refuses longer headers too. */
const MAX_HEADER_BYTES = 100_000_000

const dtypes: ReadonlyMap<string, StoredDtype> = new Map(
  (
    [
      ['F64', 8, numbers.decodeF64],
      ['F32', 4, numbers.decodeF32],
      ['F16', 2, numbers.decodeF16],
      ['BF16', 2, numbers.decodeBF16],
      ['I64', 8, numbers.decodeI64],
      ['I32', 4, numbers.decodeI32],
      ['I16', 2, numbers.decodeI16],
      ['I8', 1, numbers.decodeI8],
      ['U8', 1, numbers.decodeU8],
      ['BOOL', 1, numbers.decodeU8],
    ] as const
  ).map(([name, bytes, decode]) => [name, { name, bytes, decode }]),
)

/** Returns the tensors of a safetensors file by name. Throws SourceError for a header that the format does not allow. */
export async function readSafetensorsHeader(file: FileBytes): Promise<Map<string, StoredTensor>> {
  const { path, size } = file
  if (size < 8) throw new SourceError(`${path}: expected a safetensors file of at least 8 bytes, got ${size}`)
  const start = await file.read(0, 8)
  const length = Number(new DataView(start.buffer).getBigUint64(0, true))
  if (length > MAX_HEADER_BYTES)
    throw new SourceError(`${path}: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`)
  if (8 + length > size)
    throw new SourceError(`${path}: expected a header of ${length} bytes, the file ends after ${size - 8}`)
  const text = new TextDecoder().decode(await file.read(8, length))
  const header = parseJsonObject(text, `${path}: header`)
  const twice = repeatedKey(text, 1)
  if (twice !== undefined) throw new SourceError(`${path}: tensor ${twice}: is listed twice`)
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__')
  const stored = entries.map(([name, entry]) => checkEntry(`${path}: tensor ${name}`, name, entry))
  checkPlaces(path, stored, size - 8 - length)
  return new Map(stored.map(({ name, dtype, shape, from }) => [name, { dtype, shape, at: 8 + length + from }]))
}

interface Entry {
  readonly name: string
  readonly dtype: StoredDtype
  readonly shape: readonly number[]
  readonly from: number
  readonly to: number
}

function checkEntry(where: string, name: string, entry: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>
  const known = dtypes.get(String(dtype))
  if (!known)
    throw new SourceError(`${where}: has type ${String(dtype)}; can be read: ${[...dtypes.keys()].join(', ')}`)
  if (!isSizes(shape))
    throw new SourceError(`${where}: expected a shape of whole numbers, got ${JSON.stringify(shape)}`)
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[1]! < offsets[0]!)
    throw new SourceError(
      `${where}: expected two offsets, the second not before the first, got ${JSON.stringify(offsets)}`,
    )
  const [from, to] = offsets as [number, number]
  const bytes = shape.reduce((product, size) => product * size, known.bytes)
  if (bytes !== to - from)
    throw new SourceError(`${where}: expected ${bytes} bytes for ${known.name} [${shape.join(', ')}], got ${to - from}`)
  return { name, dtype: known, shape, from, to }
}

/** The format wants every byte after the header to belong to one tensor. */
function checkPlaces(path: string, entries: readonly Entry[], size: number): void {
  let end = 0
  for (const { name, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) {
      const fault = from < end ? 'overlaps the tensor before it' : 'leaves bytes before it unused'
      throw new SourceError(`${path}: tensor ${name}: ${fault}: expected it to begin at ${end}, got ${from}`)
    }
    end = to
  }
  if (end !== size)
    throw new SourceError(`${path}: expected ${end} bytes of tensors after the header, the file has ${size}`)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)
}
