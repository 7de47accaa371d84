/** What a file of training data is: by its name, and by what it begins with where the name says too little. */
import { extname } from 'node:path'
import type { ByteSource } from './byte-source.ts'
import { DataError } from './batch.ts'

/** `text` is one document; of the others each line, element or row is one. */
export type FileFormat = 'text' | 'jsonl' | 'json' | 'csv' | 'tsv'

export interface FileKind {
  readonly format: FileFormat
  readonly gzip: boolean
}

const formats: Readonly<Record<string, FileFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.csv': 'csv',
  '.tsv': 'tsv',
}
/** What is read of a folder without being named: tables in it are more often about the texts than texts. */
const foundInFolders = ['.txt', '.text', '.md', '.jsonl', '.ndjson']

/** The format of a file by its name, in any case; a name that says nothing is text. */
function kindByName(path: string): FileKind {
  const gzip = extensionOf(path) === '.gz'
  return { format: formats[extensionOf(gzip ? path.slice(0, -3) : path)] ?? 'text', gzip }
}

/** Whether a folder's file of this name is training text. */
export function isFoundInFolders(path: string): boolean {
  const name = extensionOf(path) === '.gz' ? path.slice(0, -3) : path
  return foundInFolders.includes(extensionOf(name))
}

export const extensionOf = (path: string): string => extname(path).toLowerCase()

/** Beginnings of files that are not text, what they are, and what to do. */
const signatures: readonly [bytes: readonly number[], what: string][] = [
  [[0xff, 0xfe], 'UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8'],
  [[0xfe, 0xff], 'UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8'],
  [[...Buffer.from('PK\u0003\u0004')], 'a zip file or an office document; give the texts in it'],
  [[...Buffer.from('%PDF')], 'a PDF; give its text, as from pdftotext'],
  [[...Buffer.from('PAR1')], 'a parquet file; those are read from a hub, or after a conversion to JSONL'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'Zstandard data; unpack it: zstd -d'],
  [[...Buffer.from('BZh')], 'bzip2 data; unpack it: bunzip2'],
  [[0xfd, ...Buffer.from('7zXZ')], 'xz data; unpack it: xz -d'],
]
const gzipSignature = [0x1f, 0x8b]
/** Bytes that are looked at. */
const headBytes = 4096

/** What the file is. Throws DataError for what is no text, by what it is. */
export async function kindOf(source: ByteSource): Promise<FileKind> {
  const byName = kindByName(source.name)
  const head = await source.read(0, headBytes)
  if (beginsWith(head, gzipSignature)) return { ...byName, gzip: true }
  if (byName.gzip) throw new DataError(`${source.name}: expected gzip data, as its name says, got something else`)
  refuseBinary(head, source.name)
  return byName
}

/** Throws DataError where the beginning of a file shows that it is not UTF-8 text. */
export function refuseBinary(head: Uint8Array, name: string): void {
  const found = signatures.find(([bytes]) => beginsWith(head, bytes))
  if (found) throw new DataError(`${name}: expected UTF-8 text, got ${found[1]}`)
  const zeros = head.subarray(0, headBytes).reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0)
  if (zeros === 0) return
  const wide = zeros > 0.4 * Math.min(head.length, headBytes)
  const what = wide ? 'UTF-16 text without a byte order mark; convert it: iconv -f UTF-16LE -t UTF-8' : 'binary data'
  throw new DataError(`${name}: expected UTF-8 text, got ${what}`)
}

const beginsWith = (head: Uint8Array, bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte)
