/** One file of the hub into the cache: continued where an earlier try ended, and checked before it gets its name. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, stat, truncate, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { SourceError } from '../contract.ts'
import { unreadable } from '../file-bytes.ts'
import type { HubCache } from './cache.ts'
import type { HubFile, HubRepository } from './client.ts'
import type { HubModelName } from './name.ts'
import type { HubOptions } from './options.ts'

/** Bytes of one request: what is asked for again when it fails. */
const REQUEST_BYTES = 4 * 1024 * 1024

/** Brings a file into the snapshot of its commit, unless it is there. Throws SourceError. */
export async function download(
  name: HubModelName,
  repository: HubRepository,
  file: HubFile,
  cache: HubCache,
  options: HubOptions,
): Promise<void> {
  if (await cache.has(repository.commit, file.path)) return
  if (!/^[0-9a-f]{40,64}$/.test(file.hash))
    throw new SourceError(`${name.text}: ${file.path}: expected a hash, the hub says ${JSON.stringify(file.hash)}`)
  const blob = cache.blob(file.hash)
  try {
    if ((await sizeOf(blob)) !== file.size) await fetchBlob(name, repository, file, blob, options)
    await cache.link(repository.commit, file.path, file.hash)
  } catch (error) {
    throw error instanceof Error && 'code' in error ? unreadable(blob, error) : error
  }
}

async function fetchBlob(
  name: HubModelName,
  repository: HubRepository,
  file: HubFile,
  blob: string,
  { onProgress }: HubOptions,
): Promise<void> {
  const partial = `${blob}.incomplete`
  await mkdir(dirname(partial), { recursive: true })
  let received = (await sizeOf(partial)) ?? 0
  if (received > file.size) {
    await truncate(partial, 0)
    received = 0
  }
  const report = (): void => onProgress?.({ file: file.path, received, size: file.size })
  report()
  const output = await open(partial, 'a')
  try {
    const bytes = await repository.open(file)
    while (received < file.size) {
      const piece = await bytes(received, Math.min(received + REQUEST_BYTES, file.size))
      await output.writeFile(piece)
      received += piece.length
      report()
    }
    await output.sync()
  } finally {
    await output.close()
  }
  const found = await hashOf(partial, file)
  if (found !== file.hash) {
    await unlink(partial)
    throw new SourceError(
      `${name.text}: ${file.path}: expected the hash ${file.hash}, got ${found}; what was received is gone, so try again`,
    )
  }
  await rename(partial, blob)
}

/** The sha256 of the bytes, or git's sha1 of them behind a line with their number. */
async function hashOf(path: string, { size, hashKind }: HubFile): Promise<string> {
  const hash = createHash(hashKind === 'git' ? 'sha1' : 'sha256')
  if (hashKind === 'git') hash.update(`blob ${size}\0`)
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}
