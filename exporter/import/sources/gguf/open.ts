/** Opens a GGUF file, or all files of a split one. */
import { basename, dirname, join } from 'node:path'
import { SourceError } from '../contract.ts'
import { openFileBytes, type FileBytes } from '../file-bytes.ts'
import { readGguf, type GgufFile, type GgufTensor } from './format.ts'

export interface OpenGguf extends GgufFile {
  readonly path: string
  close(): Promise<void>
}

const MAX_FILES = 1024

/** Opens the file at `path` and, if it is the first of a split model, the others beside it. Throws SourceError. */
export async function openGguf(path: string): Promise<OpenGguf> {
  const files: FileBytes[] = []
  const close = async (): Promise<void> => {
    await Promise.all(files.map((file) => file.close()))
  }
  try {
    const open = async (name: string): Promise<GgufFile> => {
      const file = await openFileBytes(name)
      files.push(file)
      return readGguf(file)
    }
    const first = await open(path)
    const count = Number(first.metadata.get('split.count') ?? 1)
    if (count <= 1) return { ...first, path, close }
    const tensors = new Map<string, GgufTensor>(first.tensors)
    for (const other of otherFiles(path, first, count))
      for (const [name, tensor] of (await open(other)).tensors) {
        if (tensors.has(name)) throw new SourceError(`${other}: tensor ${name}: is in an earlier file too`)
        tensors.set(name, tensor)
      }
    return { metadata: first.metadata, tensors, path, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The paths of the second and later files of a split model. */
function otherFiles(path: string, first: GgufFile, count: number): string[] {
  const stem = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(basename(path))
  if (first.metadata.get('split.no') !== 0 || !stem || Number(stem[2]) !== count || count > MAX_FILES)
    throw new SourceError(
      `${path}: is one file of a model that is split into ${count}; give the first: NAME-00001-of-${String(count).padStart(5, '0')}.gguf`,
    )
  return Array.from({ length: count - 1 }, (_, i) =>
    join(dirname(path), `${stem[1]}-${String(i + 2).padStart(5, '0')}-of-${stem[2]}.gguf`),
  )
}
