/** A text file as one document, read piece by piece. */
import type { TextCodec } from '../../runtime/text.ts'
import type { CorpusFile } from './corpus-file.ts'
import { decodeUtf8, readBytes } from './read-bytes.ts'

/** Bytes of text that are tokenized at once. */
const pieceBytes = 16_384

/**
 * Opens a file of UTF-8 text. Pieces are cut before a single space between two words, where no token of a byte-level,
 * character or byte tokenizer reaches over, so that the pieces' ids are the ids of the whole.
 */
export function openTextFile(path: string, size: number, codec: TextCodec): CorpusFile {
  return {
    path,
    size,
    async align(place) {
      if (place <= 0) return 0
      const bytes = await readBytes(path, place, Math.min(pieceBytes, size - place))
      const cut = bytes.findIndex((_, i) => isCut(bytes, i))
      return cut === -1 ? size : place + cut
    },
    async read(from, to) {
      const { text, next } = await readText(path, from, to)
      const ids = codec.encode(text)
      if (next === size) ids.push(...codec.eos.slice(0, 1))
      return { ids, next, ends: next >= to }
    },
  }
}

/** Some text from a place in a file, cut where the next part may begin; a byte order mark at the beginning is left out. */
export async function readText(path: string, from: number, to: number): Promise<{ text: string; next: number }> {
  const bytes = await readBytes(path, from, Math.min(pieceBytes, to - from))
  const length = from + bytes.length < to ? lastCut(bytes) : bytes.length
  const text = decodeUtf8(bytes.subarray(0, length), path, from)
  return { text: from === 0 ? text.replace(/^\uFEFF/, '') : text, next: from + length }
}

function lastCut(bytes: Uint8Array): number {
  for (let i = bytes.length - 2; i > 0; i--) if (isCut(bytes, i)) return i
  // No space between words in all these bytes: cut before the last character.
  for (let i = bytes.length - 1; i > 0; i--) if (((bytes[i] as number) & 0xc0) !== 0x80) return i
  return bytes.length
}

/** Whether byte i is a space between two signs that are not white space. */
function isCut(bytes: Uint8Array, i: number): boolean {
  return bytes[i] === 0x20 && isInk(bytes[i - 1]) && isInk(bytes[i + 1])
}

function isInk(byte: number | undefined): boolean {
  return byte !== undefined && byte > 0x20
}
