/** Servers whose writes are recorded, and the folders that a power cut at any moment would have left. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One thing that was done to a file of the folder. */
export interface Operation {
  readonly kind: 'write' | 'truncate' | 'sync' | 'unlink' | 'rename'
  /** The name of a file in the folder; empty for the folder itself, whose sync makes removals and renames durable. */
  readonly file: string
  readonly offset: number
  readonly data: Buffer
  /** Where its record ends: everything before it had happened. */
  readonly end: number
}

const KINDS = { w: 'write', t: 'truncate', s: 'sync', u: 'unlink', r: 'rename' } as const
/** A sector: what a disk writes whole or not at all. */
const SECTOR = 512

let library: string | null | undefined

/** The compiled recorder; null where there is no C compiler. */
export function recorderLibrary(): string | null {
  if (library !== undefined) return library
  const source = fileURLToPath(new URL('./recorder.c', import.meta.url))
  const out = join(mkdtempSync(join(tmpdir(), 'mneme-')), 'recorder.so')
  const { status } = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', out, source, '-ldl', '-lpthread'])
  library = status === 0 ? out : null
  return library
}

/** The environment of a server whose writes to `folder` go into `record`. `lie`: its syncs do nothing. */
export function recorded(folder: string, record: string, lie = false): Record<string, string> {
  const preload = { LD_PRELOAD: recorderLibrary() ?? '', POWER_LOSS_FOLDER: folder, POWER_LOSS_RECORD: record }
  return lie ? { ...preload, POWER_LOSS_LIE: '1' } : preload
}

export function readRecord(record: string, folder: string): Operation[] {
  const bytes = readFileSync(record)
  const operations: Operation[] = []
  for (let at = 0; at < bytes.length;) {
    const kind = KINDS[String.fromCharCode(bytes[at]!) as keyof typeof KINDS]
    const pathEnd = at + 3 + bytes.readUInt16LE(at + 1)
    const path = bytes.toString('utf8', at + 3, pathEnd)
    const length = bytes.readUInt32LE(pathEnd + 8)
    const data = bytes.subarray(pathEnd + 12, pathEnd + 12 + length)
    at = pathEnd + 12 + length
    operations.push({
      kind,
      file: path === folder ? '' : basename(path),
      offset: Number(bytes.readBigUInt64LE(pathEnd)),
      data,
      end: at,
    })
  }
  return operations
}

/**
 * Makes `folder` what a disk holds after a power cut when the first `count` operations had happened. What was synced is
 * there; of everything later, `random` (0 to 1) decides sector by sector what reached the disk.
 */
export function afterPowerCut(
  operations: readonly Operation[],
  count: number,
  folder: string,
  random: () => number,
): void {
  mkdirSync(folder, { recursive: true })
  const files = new Map<string, Buffer>()
  const happened = operations.slice(0, count)
  for (const [at, operation] of happened.entries()) {
    const { kind, file, offset, data } = operation
    const durable = happened.slice(at).some((later) => later.kind === 'sync' && later.file === file)
    const inFolder = happened.slice(at).some((later) => later.kind === 'sync' && later.file === '')
    const before = files.get(file) ?? Buffer.alloc(0)
    if (kind === 'write')
      files.set(
        file,
        written(before, offset, data, () => durable || random() < 0.5),
      )
    if (kind === 'truncate' && (durable || random() < 0.5)) files.set(file, resized(before, offset))
    if (kind === 'unlink' && (inFolder || random() < 0.5)) files.delete(file)
    if (kind === 'rename' && files.has(file) && (inFolder || random() < 0.5)) {
      files.set(basename(data.toString()), before)
      files.delete(file)
    }
  }
  for (const [file, bytes] of files) writeFileSync(join(folder, file), bytes)
}

/** `data` at `offset`, of each sector only what `reaches` the disk. */
function written(before: Buffer, offset: number, data: Buffer, reaches: () => boolean): Buffer {
  let after = before
  for (let from = 0; from < data.length;) {
    const to = Math.min(data.length, from + SECTOR - ((offset + from) % SECTOR))
    if (reaches()) {
      after = resized(after, Math.max(after.length, offset + to))
      data.copy(after, offset + from, from, to)
    }
    from = to
  }
  return after
}

function resized(bytes: Buffer, length: number): Buffer {
  const after = Buffer.alloc(length)
  bytes.copy(after)
  return after
}
