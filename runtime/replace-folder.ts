/** Folders that are written whole or not at all, and take the place only of what was written the same way. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** A folder, or what is in its place, holds something that is not ours to remove. */
export class ForeignFolderError extends Error {
  override name = 'ForeignFolderError' as const
}

/** What a kind of folder is known by. */
export interface FolderKind {
  /** As in `expected a bundle`. */
  readonly noun: string
  /** The JSON file that describes the folder, whose `format` is this. */
  readonly index: string
  readonly format: string
  /** The other files that it lists. */
  files(index: Readonly<Record<string, unknown>>): readonly string[]
}

/**
 * Makes `out` of what `write` puts into a new folder beside it. Where that throws, `out` is what it was. Throws
 * ForeignFolderError where `out` is a file, or holds a file that no folder of this kind would.
 */
export async function replaceFolder<T>(
  out: string,
  kind: FolderKind,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  await refuseForeign(out, kind)
  await mkdir(dirname(resolve(out)), { recursive: true })
  const folder = await mkdtemp(join(dirname(resolve(out)), `.${basename(out)}-`))
  try {
    await chmod(folder, 0o755) // mkdtemp makes it for this user alone; what is written is for others to read
    const done = await write(folder)
    await rm(out, { recursive: true, force: true })
    await rename(folder, out)
    return done
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Throws ForeignFolderError unless `out` is absent, empty, or a folder of this kind and nothing besides. */
export async function refuseForeign(out: string, kind: FolderKind): Promise<void> {
  const refuse = (found: string): never => {
    throw new ForeignFolderError(
      `${out}: expected ${kind.noun} or an empty folder, found ${found}; choose another --out`,
    )
  }
  const info = await stat(out).catch(() => undefined)
  if (info === undefined) return
  if (!info.isDirectory()) return refuse('a file')
  const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => !entry.isDirectory())
  if (files.length === 0) return
  const index = await readFile(join(out, kind.index), 'utf8').then(parse, () => undefined)
  if (index?.['format'] !== kind.format) return refuse('other files')
  const own = new Set([kind.index, ...kind.files(index)].map((file) => resolve(out, file)))
  const foreign = files.find((entry) => !own.has(resolve(entry.parentPath, entry.name)))
  if (foreign) refuse(`${foreign.name} beside it`)
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
