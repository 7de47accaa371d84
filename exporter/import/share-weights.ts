/** Bundles of one base lie beside each other and hold its weights once: as hard links to one file. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MANIFEST_FILE } from '../../runtime/manifest.ts'

/**
 * Puts a hard link to the same bytes into the place of `folder`'s `file`, where a bundle in `beside` lists a file of that
 * name with these bytes; returns that bundle's folder. A manifest's hash is trusted: a file that is not as its manifest
 * says is refused when the bundle is opened, whichever name it is reached by.
 */
export async function shareWeights(folder: string, file: string, beside: string): Promise<string | undefined> {
  const own = join(folder, file)
  const { size } = await stat(own)
  let sha256: string | undefined
  for (const entry of await readdir(beside, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    const other = join(beside, entry.name)
    const listed = await listedFile(other, file)
    if (listed?.bytes !== size) continue
    sha256 ??= await hashOf(own)
    if (listed.sha256 !== sha256) continue
    const temporary = `${own}.shared`
    await link(join(other, file), temporary)
    await rename(temporary, own)
    return other
  }
  return undefined
}

/** What the manifest of a bundle says of one of its files; undefined where there is no such file or bundle. */
async function listedFile(bundle: string, file: string): Promise<{ bytes: number; sha256: string } | undefined> {
  const text = await readFile(join(bundle, MANIFEST_FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return (JSON.parse(text) as { files?: Record<string, { bytes: number; sha256: string }> }).files?.[file]
  } catch {
    return undefined
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}
