/** Training checkpoints: folders that appear whole or not at all, and the pointers `last` and `best` to them. */
import { existsSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { JsonValue } from '../data/batch.ts'
import { encodeSafetensors, type NamedTensors, readSafetensors } from '../safetensors.ts'
import { withCurrentNames, withCurrentSettings } from './checkpoint-names.ts'

/** Everything that a run needs to go on exactly where it was. */
export interface Checkpoint {
  /** Steps done; the folder is named after it. */
  readonly step: number
  /** Configuration, schedule, data position, random states, losses: whatever survives JSON. */
  readonly state: { readonly [key: string]: JsonValue }
  readonly model: NamedTensors
  readonly optimizer: NamedTensors
  /** Session state that rows carry from step to step. */
  readonly carry: NamedTensors
}

export interface SaveOptions {
  /** Points `best` at this checkpoint too. */
  readonly best?: boolean
  /** How many of the newest checkpoints stay, besides the best one. */
  readonly keep?: number
  /** A folder whose tokenizer.json and tokenizer_config.json are copied in. */
  readonly tokenizer?: string
}

/** Thrown when a checkpoint is missing, incomplete or damaged. */
export class CheckpointError extends Error {
  override name = 'CheckpointError' as const
}

/** Version 2 renamed parameters and settings (checkpoint-names.ts); version 1 is still read. */
const VERSION = 2

/** state.json: what the run gave, and what the other files must be. */
export interface StateFile {
  readonly format: 'mneme-checkpoint'
  readonly version: number
  readonly step: number
  readonly state: Checkpoint['state']
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>
}

const tensorFiles = ['model', 'optimizer', 'carry'] as const
/** What a tokenizer is, in the folder of a run and of each checkpoint. */
export const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'] as const

/**
 * Writes RUN/checkpoints/step-NNNNNNNN, then points RUN/last (and RUN/best) at it; returns the folder.
 * Everything is written and synchronised under another name first, and only then renamed: whenever the process or the
 * machine stops, `last` leads to a whole checkpoint, the new one or the one before.
 */
export async function saveCheckpoint(run: string, checkpoint: Checkpoint, options: SaveOptions = {}): Promise<string> {
  const parent = join(run, 'checkpoints')
  await mkdir(parent, { recursive: true })
  await removeLeftovers(parent)
  const name = await freeName(parent, checkpoint.step)
  const temporary = join(parent, `.new-${name}`)
  await mkdir(temporary)
  await writeFiles(temporary, checkpoint, options.tokenizer)
  await syncFolder(temporary)
  await rename(temporary, join(parent, name))
  await syncFolder(parent)
  await point(run, 'last', name)
  if (options.best === true) await point(run, 'best', name)
  await prune(run, options.keep ?? 2)
  return join(parent, name)
}

/** Reads a checkpoint folder (RUN/last and RUN/best are such) and checks every file against its hash. */
export async function loadCheckpoint(folder: string): Promise<Checkpoint> {
  const { version, step, state, files } = await readState(folder)
  for (const [name, expected] of Object.entries(files)) await checkFile(join(folder, name), expected)
  const [model, optimizer, carry] = await Promise.all(
    tensorFiles.map(async (name) => {
      const { tensors } = await readSafetensors(join(folder, `${name}.safetensors`))
      return version === 1 ? withCurrentNames(tensors) : tensors
    }),
  )
  return { step, state, model: model!, optimizer: optimizer!, carry: carry! }
}

/** Reads a checkpoint's state.json and nothing else, with today's names of settings. Throws CheckpointError. */
export async function readState(folder: string): Promise<StateFile> {
  const path = join(folder, 'state.json')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const found = existsSync(folder) ? 'found no readable state.json' : 'there is no such folder'
    throw new CheckpointError(`${folder}: expected a checkpoint, ${found}`, { cause })
  }
  const file = parsed(path, text)
  if (file.format !== 'mneme-checkpoint')
    throw new CheckpointError(`${path}: expected "format": "mneme-checkpoint", got ${JSON.stringify(file.format)}`)
  if (file.version !== 1 && file.version !== VERSION)
    throw new CheckpointError(
      `${path}: expected format version 1 to ${VERSION}, got ${file.version}; a newer mneme wrote this checkpoint`,
    )
  if (typeof file.step !== 'number' || !file.files)
    throw new CheckpointError(`${path}: the checkpoint is damaged: it has no "step" or no "files"`)
  return file.version === 1 ? { ...file, state: currentState(file.state) } : file
}

function parsed(path: string, text: string): StateFile {
  try {
    return (JSON.parse(text) as StateFile | null) ?? ({} as StateFile)
  } catch (cause) {
    throw new CheckpointError(`${path}: the checkpoint is damaged: the file ends early or is not JSON`, { cause })
  }
}

const currentState = (state: Checkpoint['state']): Checkpoint['state'] =>
  state['config'] === undefined ? state : { ...state, config: withCurrentSettings(state['config']) }

async function writeFiles(folder: string, checkpoint: Checkpoint, tokenizer: string | undefined): Promise<void> {
  const files: Record<string, { sha256: string; bytes: number }> = {}
  for (const name of tensorFiles) {
    const file = `${name}.safetensors`
    files[file] = await writeDurably(join(folder, file), encodeSafetensors(checkpoint[name], { format: 'mneme' }))
  }
  for (const file of tokenizer === undefined ? [] : tokenizerFiles) {
    files[file] = await writeDurably(join(folder, file), [await readFile(join(tokenizer as string, file))])
  }
  const { step, state } = checkpoint
  const whole: StateFile = { format: 'mneme-checkpoint', version: VERSION, step, state, files }
  await writeDurably(join(folder, 'state.json'), [new TextEncoder().encode(`${JSON.stringify(whole, null, 2)}\n`)])
}

async function checkFile(path: string, expected: { sha256: string; bytes: number }): Promise<void> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    const file = await open(path)
    for await (const piece of file.createReadStream({ highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
      hash.update(piece)
      bytes += piece.length
    }
  } catch (cause) {
    throw new CheckpointError(`${path}: the checkpoint is damaged: the file cannot be read`, { cause })
  }
  if (bytes !== expected.bytes) {
    throw new CheckpointError(`${path}: the checkpoint is damaged: expected ${expected.bytes} bytes, got ${bytes}`)
  }
  const sha256 = hash.digest('hex')
  if (sha256 !== expected.sha256) {
    throw new CheckpointError(`${path}: the checkpoint is damaged: expected sha256 ${expected.sha256}, got ${sha256}`)
  }
}

async function writeDurably(path: string, pieces: readonly Uint8Array[]): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'w')
  try {
    for (const piece of pieces) {
      hash.update(piece)
      bytes += piece.length
      await file.writeFile(piece)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** Replaces RUN/label by a link to a checkpoint, in one step. */
async function point(run: string, label: string, name: string): Promise<void> {
  const temporary = join(run, `.${label}-new`)
  await rm(temporary, { force: true })
  await symlink(join('checkpoints', name), temporary)
  await rename(temporary, join(run, label))
  await syncFolder(run)
}

/** Removes old checkpoints; a folder loses its name first, so that half of one is never found. */
async function prune(run: string, keep: number): Promise<void> {
  const parent = join(run, 'checkpoints')
  const pointed = await Promise.all(['last', 'best'].map((label) => readlink(join(run, label)).catch(() => '')))
  const kept = new Set(pointed.map((target) => basename(target)))
  const names = (await readdir(parent)).filter((name) => name.startsWith('step-')).toSorted()
  for (const name of names.slice(0, Math.max(0, names.length - keep))) {
    if (kept.has(name)) continue
    await rename(join(parent, name), join(parent, `.old-${name}`))
    await rm(join(parent, `.old-${name}`), { recursive: true })
  }
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith('.new-') || name.startsWith('.old-')) await rm(join(parent, name), { recursive: true })
  }
}

/** The step's name; a run that goes back and saves the same step again gets another one, never the same folder. */
async function freeName(parent: string, step: number): Promise<string> {
  const names = new Set(await readdir(parent))
  const name = `step-${String(step).padStart(8, '0')}`
  for (let again = 0; ; again++) {
    const candidate = again === 0 ? name : `${name}-${again}`
    if (!names.has(candidate)) return candidate
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
