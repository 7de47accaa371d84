/** Tensors of a model that lie in one or several safetensors files. */
import { SourceError, type TensorSource } from './contract.ts'
import { openFileBytes, type FileBytes } from './file-bytes.ts'
import { readSafetensorsHeader, type StoredTensor } from './safetensors-header.ts'

const PIECE_NUMBERS = 4 * 1024 * 1024

/** A tensor, and the file that it is in. */
interface Place extends StoredTensor {
  readonly file: FileBytes
}

/**
 * Opens safetensors files by their paths. `wanted` says which file each tensor is in, as an index does; without it, all
 * tensors of the files are there. Throws SourceError.
 */
export async function openSafetensors(
  paths: readonly string[],
  wanted?: ReadonlyMap<string, string>,
): Promise<TensorSource> {
  const files: FileBytes[] = []
  try {
    const places = new Map<string, Place>()
    for (const path of paths) {
      const file = await openFileBytes(path)
      files.push(file)
      for (const [name, stored] of await readSafetensorsHeader(file))
        if (wanted === undefined || wanted.get(name) === path) places.set(name, { ...stored, file })
    }
    for (const [name, path] of wanted ?? [])
      if (!places.has(name)) throw new SourceError(`${path}: expected the tensor ${name} that the index places there`)
    return sourceOf(places, files)
  } catch (error) {
    await closeAll(files)
    throw error
  }
}

function sourceOf(places: ReadonlyMap<string, Place>, files: readonly FileBytes[]): TensorSource {
  const find = (name: string): Place => {
    const place = places.get(name)
    if (!place) throw new SourceError(`${files[0]?.path ?? 'model'}: has no tensor ${name}`)
    return place
  }
  return {
    names: [...places.keys()],
    shape: (name) => find(name).shape,
    read: async (name) => decode(name, find(name), 0, product(find(name).shape)),
    async readRows(name, from, to) {
      const place = find(name)
      const [rows = 1, ...rest] = place.shape
      checkRows(name, from, to, rows)
      return decode(name, place, from * product(rest), to * product(rest))
    },
    blocks: () => Promise.resolve(undefined),
    blockKind: () => null,
    close: () => closeAll(files),
  }
}

/** Throws SourceError unless 0 <= from <= to <= rows. */
export function checkRows(name: string, from: number, to: number, rows: number): void {
  if (from < 0 || to < from || to > rows)
    throw new SourceError(`tensor ${name}: expected rows within [0, ${rows}), got [${from}, ${to})`)
}

/** Reads in pieces, so that the bytes of a large tensor are never beside its values as a whole. */
async function decode(name: string, { file, dtype, at }: Place, from: number, to: number): Promise<Float32Array> {
  const values = new Float32Array(to - from)
  for (let done = 0; done < values.length; done += PIECE_NUMBERS) {
    const piece = values.subarray(done, done + PIECE_NUMBERS)
    const bytes = await file.read(at + (from + done) * dtype.bytes, piece.length * dtype.bytes)
    try {
      dtype.decode(bytes, piece)
    } catch (cause) {
      throw new SourceError(`${file.path}: tensor ${name}: ${(cause as Error).message}`, { cause })
    }
  }
  return values
}

async function closeAll(files: readonly FileBytes[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()))
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1)
}
