/** Bundles: folders that can be served, every file of which is what its manifest says. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join, posix, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RuntimeError } from './errors.ts'
import { externalDataOf } from './external-data.ts'
import {
  BUNDLE_FORMAT,
  checkManifest,
  MANIFEST_FILE,
  ManifestError,
  parseManifest,
  type Manifest,
  type ManifestInput,
} from './manifest.ts'
import type { FolderKind } from './replace-folder.ts'

export { decoderOf, ManifestError, tokenizerOf } from './manifest.ts'
export type { ClassifierEntry, ControllerEntry, EmbedderEntry, GraphEntry, Manifest, StateEntry } from './manifest.ts'

export interface Bundle {
  /** The folder, as an absolute path. */
  readonly dir: string
  readonly manifest: Manifest
  /** sha256 of the manifest's bytes, in hex: bundles with the same id are the same in every file. */
  readonly id: string
  /** Returns the path of a file that the manifest lists; throws ManifestError for any other. */
  path(file: string): string
}

/** What may be replaced by a new bundle. */
export const bundleFolder: FolderKind = {
  noun: 'a bundle',
  index: MANIFEST_FILE,
  format: BUNDLE_FORMAT,
  files: ({ files }) => Object.keys(files ?? {}),
}

/** Returns the bundle in a folder, with the size and hash of every file checked. Throws ManifestError in one sentence. */
export async function loadBundle(dir: string): Promise<Bundle> {
  const folder = resolve(dir)
  const info = await stat(folder).catch(() => undefined)
  if (!info?.isDirectory())
    throw new ManifestError(`${dir}: expected a bundle folder, got ${info ? 'a file' : 'nothing there'}`)
  const where = join(dir, MANIFEST_FILE)
  const bytes = await readFile(join(folder, MANIFEST_FILE)).catch((error: unknown) => {
    throw new ManifestError(
      `${where}: expected the manifest of a bundle, got no such file; mneme export makes a bundle of a run`,
      { cause: error },
    )
  })
  const manifest = parseManifest(bytes.toString(), where)
  for (const [file, expected] of Object.entries(manifest.files)) await checkFile(folder, dir, file, expected)
  for (const { file } of Object.values(manifest.graphs)) await checkExternalData(folder, dir, file, manifest)
  return {
    dir: folder,
    manifest,
    id: createHash('sha256').update(bytes).digest('hex'),
    path(file) {
      if (!Object.hasOwn(manifest.files, file))
        throw new ManifestError(`${where}: expected ${file} among files, got none`)
      return join(folder, file)
    },
  }
}

/**
 * Hashes every file of a folder and writes its manifest.json, whole or not at all. Returns what was written. Throws
 * ManifestError if the manifest would not load.
 */
export async function writeManifest(dir: string, manifest: Omit<ManifestInput, 'files'>): Promise<Manifest> {
  const files: Manifest['files'] = {}
  for (const file of await listFiles(dir)) files[file] = await digest(join(dir, file))
  const complete = checkManifest({ ...manifest, files }, join(dir, MANIFEST_FILE))
  await writeAtomically(dir, MANIFEST_FILE, `${JSON.stringify(complete, null, 2)}\n`)
  return complete
}

async function checkFile(
  folder: string,
  shown: string,
  file: string,
  expected: Manifest['files'][string],
): Promise<void> {
  const path = join(folder, file)
  const where = join(shown, file)
  const info = await stat(path).catch(() => undefined)
  if (!info?.isFile()) throw new ManifestError(`${where}: expected a file as listed in ${MANIFEST_FILE}, got none`)
  if (info.size !== expected.bytes) {
    throw new ManifestError(
      `${where}: expected ${expected.bytes} bytes as listed in ${MANIFEST_FILE}, got ${info.size}`,
    )
  }
  const { sha256 } = await digest(path)
  if (sha256 !== expected.sha256) {
    throw new ManifestError(`${where}: expected sha256 ${expected.sha256} as listed in ${MANIFEST_FILE}, got ${sha256}`)
  }
}

/** Weights outside a graph's file have to be in files that are listed, and so have been hashed. */
async function checkExternalData(folder: string, shown: string, file: string, { files }: Manifest): Promise<void> {
  const where = join(shown, file)
  const locations = await externalDataOf(join(folder, file)).catch((error: unknown) => {
    if (!(error instanceof RuntimeError)) throw error
    throw new ManifestError(error.message, { cause: error })
  })
  for (const location of locations) {
    const listed = posix.join(posix.dirname(file), location)
    if (!Object.hasOwn(files, listed) || posix.isAbsolute(location))
      throw new ManifestError(
        `${where}: expected its external data among files of ${MANIFEST_FILE}, got ${location.slice(0, 100)}`,
      )
  }
}

async function digest(path: string): Promise<Manifest['files'][string]> {
  const hash = createHash('sha256')
  const source = createReadStream(path, { highWaterMark: 1 << 20 })
  await pipeline(source, hash)
  return { sha256: hash.digest('hex'), bytes: source.bytesRead }
}

// Hidden files (an editor's, a manifest half written) are no part of a bundle.
async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => file !== MANIFEST_FILE && !file.split('/').some((part) => part.startsWith('.')))
    .toSorted()
}

// Renaming is atomic, and lasts through a power cut once the folder itself is synced.
async function writeAtomically(dir: string, file: string, text: string): Promise<void> {
  const temporary = join(dir, `.${file}.${process.pid}`)
  const handle = await open(temporary, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, join(dir, file))
  if (process.platform === 'win32') return
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
