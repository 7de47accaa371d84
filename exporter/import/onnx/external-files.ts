/** Files beside a graph that hold its weights: found, checked against what the graph says of them, and copied as they are. */
import { constants } from 'node:fs'
import { copyFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import type { FileTensor, ModelFile } from '../../onnx/model-file.ts'
import { SourceError } from '../sources/contract.ts'
import { unreadable } from '../sources/file-bytes.ts'

/** Bits of one element of each TensorProto.DataType; 0 for those that have no fixed size. */
const BITS = [0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 2, 2]

/** A file beside the graph. */
export interface ExternalFile {
  /** As the graph names it. */
  readonly location: string
  /** Where it is. */
  readonly path: string
}

/**
 * The files that hold the model's weights. Throws SourceError for a name that is more than a file's beside the graph, a
 * link to another place, and a tensor whose bytes are not all there.
 */
export async function externalFiles(model: ModelFile, reserved: readonly string[]): Promise<ExternalFile[]> {
  const sizes = new Map<string, { path: string; size: number }>()
  for (const tensor of model.external) {
    const { location } = tensor.external!
    const known = sizes.get(location) ?? (await fileBeside(model.path, location, reserved))
    sizes.set(location, known)
    checkPlace(model.path, tensor, known.size)
  }
  return [...sizes].map(([location, { path }]) => ({ location, path }))
}

/** Copies the files beside the bundle's graph; where the file system can, they share their bytes with the source. */
export async function copyExternal(
  files: readonly ExternalFile[],
  folder: string,
  progress: (done: number, of: number) => void,
): Promise<void> {
  for (const [done, { location, path }] of files.entries()) {
    await copyFile(path, join(folder, location), constants.COPYFILE_FICLONE)
    progress(done + 1, files.length)
  }
}

async function fileBeside(
  graph: string,
  location: string,
  reserved: readonly string[],
): Promise<{ path: string; size: number }> {
  const shown = location.slice(0, 100)
  if (!/^[^./\\:\0][^/\\:\0]*$/.test(location) || reserved.includes(location))
    throw new SourceError(`${graph}: external data: expected the name of a file beside the graph, got ${shown}`)
  const folder = dirname(graph)
  const path = join(folder, location)
  const real = await realpath(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const blobs = dirname(real)
  const cached = basename(blobs) === 'blobs' && basename(dirname(blobs)).startsWith('models--')
  if (!cached && !real.startsWith((await realpath(folder)) + sep))
    throw new SourceError(`${path}: is a link to ${real}, outside of the folder; put the file itself there`)
  return { path: real, size: (await stat(real)).size }
}

function checkPlace(graph: string, { name, type, dims, external }: FileTensor, size: number): void {
  const { location, offset, length = size - offset } = external!
  const where = `${graph}: ${name}: external data in ${location}`
  if (![offset, length].every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new SourceError(`${where}: expected whole numbers for offset and length, got ${offset} and ${length}`)
  if (offset + length > size)
    throw new SourceError(`${where}: expected ${length} bytes at byte ${offset}, the file has ${size}`)
  const needed = Math.ceil((dims.reduce((product, dim) => product * dim, 1) * (BITS[type] ?? 0)) / 8)
  if (needed > length) throw new SourceError(`${where}: expected the ${needed} bytes of its shape, got ${length}`)
}
