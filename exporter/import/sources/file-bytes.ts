/** Bytes of a file by their place, so that a file of any size is read in parts. */
import { open, type FileHandle } from 'node:fs/promises'
import { systemReason } from '../../../runtime/system-errors.ts'
import { SourceError } from './contract.ts'

/** One read call takes at most this many bytes. */
const MAX_READ = 2 ** 30

export interface FileBytes {
  readonly path: string
  readonly size: number
  /** Returns `length` bytes from `at` on. Throws SourceError if the file ends before, or cannot be read. */
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** Opens a file for reading. Throws SourceError. */
export async function openFileBytes(path: string): Promise<FileBytes> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  try {
    const about = await file.stat()
    if (!about.isFile()) throw new SourceError(`${path}: expected a file, found something else`)
    return {
      path,
      size: about.size,
      read: (at, length) => readWhole(file, path, about.size, at, length),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The sentence for what the operating system said of a path. */
export function unreadable(path: string, cause: unknown): SourceError {
  return new SourceError(`${path}: cannot be read: ${systemReason(cause)}`, { cause })
}

async function readWhole(
  file: FileHandle,
  path: string,
  size: number,
  at: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  // Checked before anything is allocated, since lengths come out of the file itself.
  if (at + length > size) throw new SourceError(`${path}: expected ${length} bytes at byte ${at}, the file has ${size}`)
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file
      .read(bytes, done, Math.min(length - done, MAX_READ), at + done)
      .catch((cause: unknown) => {
        throw unreadable(path, cause)
      })
    if (bytesRead === 0) throw new SourceError(`${path}: became shorter while it was read`)
    done += bytesRead
  }
  return bytes
}
