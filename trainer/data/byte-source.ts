/** Bytes that are read by place: a file, or a part of one. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { systemReason } from '../../runtime/system-errors.ts'
import { DataError } from './batch.ts'

export interface ByteSource {
  /** The path that was given, for messages. */
  readonly name: string
  readonly size: number
  /** Up to `length` bytes from `position`; fewer only at the end. */
  read(position: number, length: number): Promise<Buffer>
}

/** A file, which is opened for each read: a folder may have more files than a process may hold open. Throws DataError. */
export async function fileSource(path: string): Promise<ByteSource> {
  const unreadable = (cause: unknown): never => {
    throw new DataError(`${path}: the file cannot be read: ${systemReason(cause)}`, { cause })
  }
  const { size } = await stat(path).catch(unreadable)
  return {
    name: path,
    size,
    async read(position, length) {
      const file = await open(path).catch(unreadable)
      try {
        return await readFully(file, position, Math.min(length, size - position)).catch(unreadable)
      } finally {
        await file.close()
      }
    },
  }
}

/** `size` bytes of an open file from `base` on. */
export function partSource(name: string, file: FileHandle, base: number, size: number): ByteSource {
  return {
    name,
    size,
    read: (position, length) => readFully(file, base + position, Math.min(length, size - position)),
  }
}

/** The bytes from one place to before another, in chunks. */
export async function* chunksOf(source: ByteSource, from = 0, to = source.size): AsyncGenerator<Buffer> {
  const chunkBytes = 1 << 20
  for (let at = from; at < to;) {
    const chunk = await source.read(at, Math.min(chunkBytes, to - at))
    if (chunk.length === 0) return
    yield chunk
    at += chunk.length
  }
}

async function readFully(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.max(0, length))
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
