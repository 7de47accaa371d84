/** The files of a model folder that hold weights, with the paths of an index held inside the folder. */
import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join, normalize, sep } from 'node:path'
import { SourceError, type TensorSource } from './contract.ts'
import { unreadable } from './file-bytes.ts'
import { parseJsonObject, repeatedKey } from './json.ts'
import { isPickle, PICKLE_REASON } from './pickle.ts'
import { openSafetensors } from './safetensors.ts'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'

/** Opens the weights of a model folder: model.safetensors, or the files that its index names. Throws SourceError. */
export async function openFolderTensors(folder: string): Promise<TensorSource> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause)
  })
  if (names.includes(SINGLE)) return openSafetensors([await insidePath(folder, SINGLE)])
  if (names.includes(INDEX)) return openIndexed(folder)
  const pickled = names.find(isPickle)
  if (pickled !== undefined)
    throw new SourceError(
      `${join(folder, pickled)}: ${PICKLE_REASON}; ` +
        `expected ${SINGLE} or ${INDEX} beside it, so convert it to safetensors first`,
    )
  throw new SourceError(`${folder}: expected ${SINGLE} or ${INDEX}, found neither`)
}

async function openIndexed(folder: string): Promise<TensorSource> {
  const where = join(folder, INDEX)
  const text = await readFile(where, 'utf8').catch((cause: unknown) => {
    throw unreadable(where, cause)
  })
  const map = parseJsonObject(text, where)['weight_map']
  if (typeof map !== 'object' || map === null || Object.values(map).some((file) => typeof file !== 'string'))
    throw new SourceError(`${where}: expected weight_map to name a file for each tensor`)
  const twice = repeatedKey(text, 2)
  if (twice !== undefined) throw new SourceError(`${where}: ${twice}: is listed twice`)
  const files = new Map<string, string>()
  for (const file of new Set(Object.values(map as Record<string, string>)))
    files.set(file, await insidePath(folder, file))
  const wanted = Object.entries(map as Record<string, string>).map(([name, file]) => [name, files.get(file)!] as const)
  return openSafetensors([...files.values()], new Map(wanted))
}

/**
 * Returns the real path of a safetensors file in a folder. Links may lead to another place in the folder, or to the
 * blobs of a hub cache. Throws SourceError for a file that is not there or elsewhere.
 */
async function insidePath(folder: string, file: string): Promise<string> {
  const path = join(folder, file)
  if (!file.endsWith('.safetensors'))
    throw new SourceError(`${folder}: ${INDEX} names ${file}: expected a .safetensors file`)
  if (normalize(file).startsWith('..') || normalize(file).startsWith(sep) || /^[a-z]:|\\/i.test(file))
    throw new SourceError(`${folder}: ${INDEX} names ${file}, which is outside of the folder`)
  const real = await realpath(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const inside = real.startsWith((await realpath(folder)) + sep)
  const blobs = dirname(real)
  const cached = basename(blobs) === 'blobs' && basename(dirname(blobs)).startsWith('models--')
  if (!inside && !cached)
    throw new SourceError(`${path}: is a link to ${real}, outside of the folder; put the file itself there`)
  return real
}
