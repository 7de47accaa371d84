/** What a server is asked to serve, as a bundle: published models are imported when they are named for the first time. */
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MANIFEST_FILE } from '../../runtime/manifest.ts'
import { ImportError } from './import-error.ts'
import { importModel } from './import.ts'
import { localSource } from './local-source.ts'
import { isHubModelName } from './sources/hub/hub.ts'

/** Changed where the same source would become another bundle. */
const GENERATION = 1

/** One of these is in every folder of a model. */
const CONFIGS = ['config.json', 'genai_config.json']

/**
 * The folder of the bundle of `source`: a bundle as it is; of a model folder, a .gguf file or a hub id the import in
 * `folder`, which is made if it is not there. `say` gets lines about what takes time.
 */
export async function servedBundle(source: string, folder: string, say: (line: string) => void): Promise<string> {
  if (existsSync(join(source, MANIFEST_FILE))) return source
  refuseOthers(source)
  const local = await localSource(source, say)
  const out = join(folder, `${local.name}-${await fingerprint(local.path)}`)
  if (existsSync(join(out, MANIFEST_FILE))) return out
  say(`importing ${source} into ${out}`)
  let tenth = 0
  const progress = (what: string, done: number, of: number): void => {
    if (Math.floor((10 * done) / of) === tenth) return
    tenth = Math.floor((10 * done) / of)
    say(`importing ${source}: ${what} ${10 * tenth} %`)
  }
  await importModel({ source: local.path, out, name: local.name, quantization: 'keep', progress })
  return out
}

/** Throws ImportError where `source` is neither on this machine nor a hub id, or is a folder of something else. */
function refuseOthers(source: string): void {
  if (isHubModelName(source)) return
  const expected = 'expected a bundle folder, a model folder, a .gguf or .onnx file or hf:OWNER/NAME'
  if (!existsSync(source)) throw new ImportError(`${source}: ${expected}, got nothing there`)
  if (statSync(source).isDirectory() && !CONFIGS.some((file) => existsSync(join(source, file))))
    throw new ImportError(
      `${source}: ${expected}, got a folder with neither ${[MANIFEST_FILE, ...CONFIGS].join(' nor ')}`,
    )
}

/** Changes when a file of the source does, or one in its subfolders; hidden ones, such as those of git, are not looked at. */
async function fingerprint(path: string): Promise<string> {
  const whole = await realpath(path)
  const isFolder = (await stat(whole)).isDirectory()
  const names = isFolder ? (await readdir(whole, { recursive: true })).toSorted() : ['']
  const hash = createHash('sha256').update(`${GENERATION} ${whole}`)
  const add = async (name: string, file: string): Promise<void> => {
    const info = await stat(file)
    if (info.isFile()) hash.update(`\n${name} ${info.size} ${info.mtimeMs}`)
  }
  for (const name of names.filter((one) => !/(^|[\\/])\./.test(one))) await add(name, join(whole, name))
  for (const name of await besideGraph(path)) await add(name, join(dirname(path), name))
  return hash.digest('hex').slice(0, 12)
}

/** A graph's weights are in files beside it, which begin with its name. */
async function besideGraph(path: string): Promise<string[]> {
  if (!path.endsWith('.onnx')) return []
  const name = basename(path)
  return (await readdir(dirname(path))).filter((one) => one.startsWith(name) && one !== name).toSorted()
}
