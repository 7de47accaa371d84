/** Reads parts of files, and says where text is not UTF-8. */
import { isUtf8 } from 'node:buffer'
import { open } from 'node:fs/promises'
import { DataError } from './batch.ts'

/** Up to `length` bytes from `position`; fewer only at the end of the file. */
export async function readBytes(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, position + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  } finally {
    await file.close()
  }
}

/** The text of bytes that begin at `position` of a file. Throws DataError with the place of the first wrong byte. */
export function decodeUtf8(bytes: Uint8Array, path: string, position: number): string {
  if (!isUtf8(bytes)) {
    const at = position + firstInvalidByte(bytes)
    throw new DataError(`${path}: expected UTF-8 text, got a byte that does not belong there at byte ${at}`)
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** Bisects: the longest prefix that is UTF-8, apart from a last character that is cut off. */
function firstInvalidByte(bytes: Uint8Array): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isPrefixOfUtf8(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  return characterStart(bytes, good)
}

function isPrefixOfUtf8(bytes: Uint8Array): boolean {
  for (let cut = 0; cut <= Math.min(3, bytes.length); cut++) {
    const rest = bytes.subarray(bytes.length - cut)
    if (isUtf8(bytes.subarray(0, bytes.length - cut)) && (cut === 0 || beginsCharacter(rest))) return true
  }
  return false
}

/** Whether bytes are the beginning of one character of more bytes. */
function beginsCharacter(bytes: Uint8Array): boolean {
  for (const tail of [[0x80], [0xbf], [0x80, 0x80], [0xbf, 0x80], [0x80, 0x80, 0x80], [0xbf, 0x80, 0x80]]) {
    if (isUtf8(Buffer.concat([bytes, Buffer.from(tail)]))) return true
  }
  return false
}

/** Where the character that is being read at the end of good bytes began. */
function characterStart(bytes: Uint8Array, end: number): number {
  for (let cut = 0; cut <= Math.min(3, end); cut++) if (isUtf8(bytes.subarray(0, end - cut))) return end - cut
  return end
}
