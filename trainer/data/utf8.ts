/** UTF-8: decoding that says where text is not, and where characters begin. */
import { isUtf8 } from 'node:buffer'
import { DataError } from './batch.ts'

/** The text of bytes that begin at `position` of the file `name`. Throws DataError with the place of the first wrong byte. */
export function decodeUtf8(bytes: Uint8Array, name: string, position: number): string {
  if (!isUtf8(bytes)) {
    const at = position + firstInvalidByte(bytes)
    throw new DataError(`${name}: expected UTF-8 text, got a byte that does not belong there at byte ${at}`)
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** How many bytes at the end begin a character that is cut off; 0 where the last character is whole. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let cut = 1; cut <= Math.min(3, bytes.length); cut++) {
    const byte = bytes[bytes.length - cut]!
    if (isContinuation(byte)) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > cut ? cut : 0
  }
  return 0
}

/** How many bytes at the beginning belong to a character that began before them. */
export function continuationHead(bytes: Uint8Array): number {
  let head = 0
  while (head < Math.min(3, bytes.length) && isContinuation(bytes[head]!)) head++
  return head
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80

/** Bisects for the longest prefix that is UTF-8, apart from a last character that is cut off. */
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
