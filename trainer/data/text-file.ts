/** A text file as one document, read passage by passage. */
import { isUtf8 } from 'node:buffer'
import { DataError } from './batch.ts'
import { type ByteSource, chunksOf, fileSource } from './byte-source.ts'
import { firstCut, lastCut } from './cut.ts'
import type { DocumentFile, Passage } from './document-file.ts'
import { kindOf } from './file-format.ts'
import { continuationHead, decodeUtf8, incompleteTail } from './utf8.ts'

/** Bytes of text that are tokenized at once. */
const passageBytes = 16_384

/** UTF-8 text. Passages are cut where no token reaches over (cut.ts), so their ids are the ids of the whole. */
export function openTextFile(source: ByteSource): DocumentFile {
  const { name, size } = source
  return {
    name,
    size,
    isOneDocument: true,
    rowName: 'line',
    async align(place) {
      if (place <= 0) return 0
      const bytes = await source.read(place, passageBytes)
      const start = continuationHead(bytes)
      const whole = bytes.subarray(start, bytes.length - incompleteTail(bytes))
      if (!isUtf8(whole)) return place + start // said by check(), or when the place is read
      const text = whole.toString('utf8')
      return place + start + Buffer.byteLength(text.slice(0, firstCut(text)))
    },
    read: (from, to) => readPassage(source, from, to),
    chunks: (from, to) => chunksOf(source, from, to),
    async check() {
      if (size === 0) throw new DataError(`${name}: the file is empty`)
      let tail: Buffer = Buffer.alloc(0)
      let at = 0
      for await (const chunk of chunksOf(source)) {
        const bytes = Buffer.concat([tail, chunk])
        const last = at + chunk.length >= size
        const whole = last ? bytes : bytes.subarray(0, bytes.length - incompleteTail(bytes))
        if (!isUtf8(whole)) decodeUtf8(whole, name, at - tail.length)
        at += chunk.length
        tail = bytes.subarray(whole.length)
      }
      return undefined
    },
  }
}

/** Text from a place of the source up to a cut or to `to`; a byte order mark at the beginning is left out. */
async function readPassage(source: ByteSource, from: number, to: number): Promise<Passage> {
  const bytes = await source.read(from, Math.min(passageBytes, to - from))
  const reachesEnd = from + bytes.length >= to
  const whole = reachesEnd ? bytes : bytes.subarray(0, bytes.length - incompleteTail(bytes))
  const text = decodeUtf8(whole, source.name, from)
  const kept = reachesEnd ? text : text.slice(0, lastCut(text))
  const length = reachesEnd ? bytes.length : Buffer.byteLength(kept)
  const next = from + length
  return {
    document: { text: from === 0 ? kept.replace(/^\uFEFF/, '') : kept },
    bytes: bytes.subarray(0, length),
    next,
    continues: next < source.size,
  }
}

/** The text of a source in passages, from its beginning to its end or to before `to`. */
export async function* passagesOf(source: ByteSource, to = source.size): AsyncGenerator<string> {
  for (let at = 0; at < to;) {
    const { document, next } = await readPassage(source, at, to)
    yield (document as { text: string }).text
    at = next
  }
}

/** A file of plain text, to be read by passagesOf. Throws DataError for what is not UTF-8 text, or has nothing in it. */
export async function openPlainText(path: string): Promise<ByteSource> {
  const source = await fileSource(path)
  if (source.size === 0) throw new DataError(`${path}: the file is empty`)
  const { gzip } = await kindOf(source)
  if (gzip) throw new DataError(`${path}: expected UTF-8 text, got gzip data; unpack it: gunzip`)
  return source
}
