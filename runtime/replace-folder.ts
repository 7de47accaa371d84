/** Folders that are written whole or not at all, and take the place only of what was written the same way. */
import { rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
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
  return writeBeside(out, write)
}

/** Makes a new folder of what `write` puts into it. Throws ForeignFolderError where `out` is a file, or is not empty. */
export async function createFolder<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  await refuseUsed(out)
  return writeBeside(out, write)
}

/** Throws ForeignFolderError unless `out` is absent or an empty folder. */
export async function refuseUsed(out: string): Promise<void> {
  const info = await stat(out).catch(() => undefined)
  if (info === undefined) return
  if (!info.isDirectory())
    throw new ForeignFolderError(`${out}: expected a new folder, found a file; choose another --out`)
  if ((await readdir(out)).length > 0)
    throw new ForeignFolderError(
      `${out}: expected a new or empty folder, found files; choose another --out, or remove it`,
    )
}

/** Writes into a temporary folder beside `out`, which then takes its place, and is removed where it cannot. */
async function writeBeside<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  const parent = dirname(resolve(out))
  await mkdir(parent, { recursive: true })
  await removeLeftovers(parent, basename(out))
  const folder = await mkdtemp(join(parent, `${temporaryPrefix(basename(out))}${process.pid}-`))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    await chmod(folder, 0o755) // mkdtemp makes it for this user alone; what is written is for others to read
    const done = await write(folder)
    await exchange(folder, out)
    return done
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  } finally {
    process.off('exit', remove)
  }
}

/** Puts `folder` in the place of `out`, which is set aside first: a removal that is cut short would leave half of it. */
async function exchange(folder: string, out: string): Promise<void> {
  const aside = `${folder}${ASIDE}`
  const isThere = await rename(out, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return false
    },
  )
  try {
    await rename(folder, out)
  } catch (error) {
    if (isThere) await rename(aside, out)
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}

/** Removes temporary folders of processes of this machine that were killed. */
async function removeLeftovers(parent: string, name: string): Promise<void> {
  const prefix = temporaryPrefix(name)
  for (const entry of await readdir(parent)) {
    const pid = entry.startsWith(prefix) ? /^(\d+)-\w{6}(-aside)?$/.exec(entry.slice(prefix.length))?.[1] : undefined
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(parent, entry), { recursive: true, force: true })
  }
}

/** Ends the name under which a folder waits for its removal. */
const ASIDE = '-aside'

const temporaryPrefix = (name: string): string => `.${name}.${hostname()}.`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // a process of another user
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
