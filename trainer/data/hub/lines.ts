/** Lines of a JSONL file on the hub, a window of bytes at a time. */
import { DataError } from '../batch.ts'
import type { Reading } from '../document.ts'
import { maxLineBytes, parseLine } from '../jsonl-file.ts'
import type { LeftOut } from '../left-out.ts'
import type { RemoteFile } from './client.ts'
import { documentOrLeftOut, type RowFile } from './row-file.ts'

const windowBytes = 1024 * 1024
const newline = 0x0a

/** Opens a file of lines; places in it are bytes. */
export function openLines(remote: RemoteFile, where: string, reading: Reading, leftOut: LeftOut): RowFile {
  let start = 0
  let bytes: Uint8Array = new Uint8Array()

  /** Makes the window begin at a place and reach at least one window further. */
  async function extend(from: number): Promise<void> {
    const rest = from >= start && from <= start + bytes.length ? bytes.subarray(from - start) : new Uint8Array()
    const more = await remote.bytes(from + rest.length, from + rest.length + windowBytes)
    bytes = Buffer.concat([rest, more])
    start = from
  }

  /** The place after the line at a place. */
  async function endOf(from: number): Promise<number> {
    for (;;) {
      const found = from >= start && from < start + bytes.length ? bytes.indexOf(newline, from - start) : -1
      if (found !== -1) return start + found + 1
      if (from >= start && start + bytes.length >= remote.size) return remote.size
      if (from === start && bytes.length > maxLineBytes)
        throw new DataError(`${where}: the line at byte ${from} is longer than ${maxLineBytes} bytes`)
      await extend(from)
    }
  }

  return {
    async read(at) {
      if (at >= remote.size) return { document: undefined, next: undefined }
      const end = await endOf(at)
      const row = parseLine(bytes.subarray(at - start, end - start), where, at)
      const document = row === undefined ? undefined : documentOrLeftOut(row, reading, `${where}: byte ${at}`, leftOut)
      return { document, next: end < remote.size ? end : undefined }
    },
  }
}
