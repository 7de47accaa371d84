/** The files of a folder that training reads, and what it leaves out. */
import { type Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemReason } from '../../runtime/system-errors.ts'
import { DataError } from './batch.ts'
import { extensionOf, isFoundInFolders } from './file-format.ts'

/** Why something in a folder is not read. */
type Reason = 'hidden' | 'of installed packages' | 'empty' | 'broken link' | 'link to a folder' | 'no text by name'

export interface Found {
  /** In the order of their names. */
  readonly files: readonly string[]
  /** A sentence that names what was left out, where anything was. */
  readonly note: string | undefined
}

/** The text files of a path: itself, or those in a folder and in its folders. Throws DataError where there are none. */
export async function findFiles(path: string): Promise<Found> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path}: the file cannot be read: ${systemReason(cause)}`, { cause })
  })
  if (!info.isDirectory()) return { files: [path], note: undefined }
  const files: string[] = []
  const leftOut = new Map<Reason, string[]>()
  await walk(path, '', files, leftOut)
  const note = leftOut.size > 0 ? `${path}: left out ${summary(leftOut)}` : undefined
  if (files.length === 0)
    throw new DataError(
      `${path}: expected .txt, .md or .jsonl files in the folder, found none${note ? `; ${note.slice(path.length + 2)}` : ''}`,
    )
  return { files: files.toSorted().map((name) => join(path, name)), note }
}

async function walk(root: string, folder: string, files: string[], leftOut: Map<Reason, string[]>): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = join(folder, entry.name)
    const reason = await reasonToLeaveOut(join(root, name), entry)
    if (reason) leftOut.set(reason, [...(leftOut.get(reason) ?? []), name])
    else if (entry.isDirectory()) await walk(root, name, files, leftOut)
    else files.push(name)
  }
}

async function reasonToLeaveOut(path: string, entry: Dirent): Promise<Reason | undefined> {
  if (entry.name.startsWith('.')) return 'hidden'
  if (entry.isDirectory()) return entry.name === 'node_modules' ? 'of installed packages' : undefined
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) return 'broken link'
  if (info.isDirectory()) return 'link to a folder'
  if (!isFoundInFolders(entry.name)) return 'no text by name'
  return info.size === 0 ? 'empty' : undefined
}

/** Names of each kind, a few of them where there are many. */
function summary(leftOut: ReadonlyMap<Reason, readonly string[]>): string {
  const shown = 4
  return [...leftOut]
    .map(([reason, names]) => {
      const more = names.length > shown ? ` and ${names.length - shown} more` : ''
      return `${names.length} ${reason} (${names.slice(0, shown).join(', ')}${more}${hint(reason, names)})`
    })
    .join(', ')
}

/** Formats that are read when they are named. */
const hint = (reason: Reason, names: readonly string[]): string =>
  reason === 'no text by name' && names.some((name) => ['.csv', '.tsv', '.json'].includes(extensionOf(name)))
    ? '; tables and arrays are read when --data names them'
    : ''
