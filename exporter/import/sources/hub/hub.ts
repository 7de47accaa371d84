/** A model of a hub as a folder or file on this machine: brought into the shared cache, or found there. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SourceError } from '../contract.ts'
import { readJsonObject } from '../json.ts'
import { HubCache } from './cache.ts'
import { chooseFiles, INDEX, shardsOf } from './choose.ts'
import { HubUnreachable, openRepository, type HubRepository } from './client.ts'
import { download } from './download.ts'
import { parseHubModelName, type HubModelName } from './name.ts'
import type { HubOptions } from './options.ts'

export { isHubModelName } from './name.ts'
export { hubOptions, type HubOptions, type HubProgress } from './options.ts'

export interface HubModel {
  /** A folder or a .gguf file, for openSource. */
  readonly path: string
  readonly commit: string
}

/**
 * Brings the model that hf:OWNER/NAME[@REVISION][:FILE] names into the cache and returns where it is. Without network,
 * and where the hub does not answer, what the cache holds is used. Throws SourceError.
 */
export async function fetchHubModel(text: string, options: HubOptions): Promise<HubModel> {
  const name = parseHubModelName(text)
  const cache = new HubCache(options.cache, name)
  const cached = await cachedModel(name, cache)
  if (options.offline) {
    if ('path' in cached) return cached
    throw new SourceError(`${text}: HF_HUB_OFFLINE is set, and ${options.cache} ${cached.lacks}`)
  }
  // A commit never changes
  if ('path' in cached && cached.commit === name.revision) return cached
  try {
    // With a copy at hand, one try tells whether the hub is there
    return await bring(name, await openRepository(name, options, !('path' in cached)), cache, options)
  } catch (error) {
    if (!(error instanceof HubUnreachable) || !('path' in cached)) throw error
    options.onNote?.(`${error.message}; using commit ${cached.commit} of the cache`)
    return cached
  }
}

async function bring(
  name: HubModelName,
  repository: HubRepository,
  cache: HubCache,
  options: HubOptions,
): Promise<HubModel> {
  const { commit, files } = repository
  const choice = chooseFiles(
    name,
    files.map(({ path }) => path),
  )
  const get = async (path: string): Promise<void> => {
    const file = files.find((one) => one.path === path)
    if (!file) throw new SourceError(`${name.text}: needs ${path}, which the repository does not have`)
    await download(name, repository, file, cache, options)
  }
  const folder = cache.snapshot(commit)
  for (const path of choice.paths) await get(path)
  if (choice.paths.includes(INDEX))
    for (const shard of shardsOf(name, await readJsonObject(join(folder, INDEX)))) await get(shard)
  await cache.remember(name.revision, commit)
  return { path: choice.file === undefined ? folder : join(folder, choice.file), commit }
}

/** The model as the cache holds it, or what it lacks. */
async function cachedModel(name: HubModelName, cache: HubCache): Promise<HubModel | { lacks: string }> {
  const commit = await cache.commitOf(name.revision)
  if (commit === undefined) return { lacks: `has no revision ${name.revision} of it` }
  const folder = cache.snapshot(commit)
  const all = await readdir(folder, { recursive: true }).catch(() => [])
  try {
    const { file, paths } = chooseFiles(name, all)
    const shards = paths.includes(INDEX) ? shardsOf(name, await readJsonObject(join(folder, INDEX))) : []
    for (const path of [...paths, ...shards])
      if (!(await cache.has(commit, path))) return { lacks: `lacks ${path} of commit ${commit}` }
    return { path: file === undefined ? folder : join(folder, file), commit }
  } catch {
    return { lacks: `has only a part of commit ${commit}` }
  }
}
