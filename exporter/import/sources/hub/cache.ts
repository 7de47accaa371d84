/** The cache that tools for the hub share: models--OWNER--NAME with blobs, snapshots of commits, and refs. */
import { copyFile, lstat, mkdir, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { HubModelName } from './name.ts'

export class HubCache {
  readonly #folder: string

  constructor(cache: string, { repo }: HubModelName) {
    this.#folder = join(cache, ['models', ...repo.split('/')].join('--'))
  }

  blob(hash: string): string {
    return join(this.#folder, 'blobs', hash)
  }

  snapshot(commit: string): string {
    return join(this.#folder, 'snapshots', commit)
  }

  /** The commit of a revision when it was last asked for; a commit is its own. Undefined: never asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision
    const text = await readFile(this.#ref(revision), 'utf8').catch(() => undefined)
    return text?.trim()
  }

  async remember(revision: string, commit: string): Promise<void> {
    if (revision === commit) return
    const path = this.#ref(revision)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(`${path}.new`, commit)
    await rename(`${path}.new`, path)
  }

  /** Whether a snapshot has a file, its bytes too. */
  async has(commit: string, path: string): Promise<boolean> {
    return (await stat(join(this.snapshot(commit), path)).catch(() => undefined))?.isFile() ?? false
  }

  /** Puts a blob into a snapshot under its name. */
  async link(commit: string, path: string, hash: string): Promise<void> {
    const place = join(this.snapshot(commit), path)
    await mkdir(dirname(place), { recursive: true })
    if (await lstat(place).catch(() => undefined)) await unlink(place)
    const target = relative(dirname(place), this.blob(hash))
    // A file system without links gets a copy
    await symlink(target, place).catch(() => copyFile(this.blob(hash), place))
  }

  #ref(revision: string): string {
    return join(this.#folder, 'refs', ...revision.split('/').filter((part) => part !== '..' && part !== ''))
  }
}
