/** Files that training data comes from: text, rows of JSONL, JSON, CSV and TSV, gzip of those, token shards, and folders. */
import type { TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'
import { fileSource } from './byte-source.ts'
import { type Document, type Reading, tokensOf } from './document.ts'
import type { DocumentFile, Unusable } from './document-file.ts'
import { kindOf } from './file-format.ts'
import { findFiles } from './find-files.ts'
import { openJsonlFile } from './jsonl-file.ts'
import { LeftOut } from './left-out.ts'
import type { ReportProgress } from './progress.ts'
import { openShards } from './shards.ts'
import { openTextFile } from './text-file.ts'
import { tokenized, type TokenFile } from './token-file.ts'
import { Unpacked } from './unpack.ts'

export interface Corpus {
  readonly files: readonly TokenFile[]
  /** What was left out, a sentence each. */
  readonly notes: readonly string[]
  /** What is left out while it is read. */
  readonly leftOut: LeftOut
}

export interface CorpusOptions {
  readonly codec: TextCodec
  readonly reading: Reading
  /** The folder of the codec's tokenizer, which shards have to be of. */
  readonly tokenizer?: string
  /** Counts documents that are left out while they are read. */
  readonly leftOut?: LeftOut
  readonly progress?: ReportProgress
}

/** So many conversations are rendered before training. */
const renderedFirst = 100

/** Opens files and folders and reads them once, so that what cannot be used is known before training. Throws DataError. */
export async function openCorpus(paths: readonly string[], options: CorpusOptions): Promise<Corpus> {
  const { codec, reading, tokenizer, progress, leftOut = new LeftOut() } = options
  const files: TokenFile[] = []
  const notes: string[] = []
  for (const path of paths) {
    const shards = await openShards(path, {
      codec,
      ...(tokenizer ? { tokenizer } : {}),
      ...(progress ? { progress } : {}),
    })
    if (shards !== undefined && reading.mode === 'instruct')
      throw new DataError(`${path}: expected rows to learn replies from, token shards do not say who speaks`)
    if (shards !== undefined) {
      files.push(...shards.files)
      notes.push(...shards.notes)
      continue
    }
    const check = new TemplateCheck(reading.mode, codec)
    const found = await openDocuments([path], reading, progress, (document) => check.visit(document))
    check.finish()
    files.push(...found.files.map((file) => tokenized(file, reading.mode, codec, leftOut)))
    notes.push(...found.notes)
  }
  if (files.length === 0) throw new DataError('training data: expected at least one file, got none')
  return { files, notes, leftOut }
}

/** Opens files and folders as documents, and reads them once. Throws DataError. */
export async function openDocuments(
  paths: readonly string[],
  reading: Reading,
  progress?: ReportProgress,
  visit?: (document: Document) => void,
): Promise<{ files: DocumentFile[]; notes: string[] }> {
  const files: DocumentFile[] = []
  const notes: string[] = []
  const unpacked = new Unpacked()
  for (const path of paths) {
    const found = await findFiles(path)
    if (found.note) notes.push(found.note)
    for (const [index, name] of found.files.entries()) {
      progress?.('reading', index, found.files.length)
      const file = await openFile(name, reading, unpacked)
      const unusable = await file.check(visit)
      if (unusable) notes.push(unusableNote(file, unusable))
      files.push(file)
    }
  }
  return { files, notes }
}

async function openFile(path: string, reading: Reading, unpacked: Unpacked): Promise<DocumentFile> {
  const source = await fileSource(path)
  if (source.size === 0) throw new DataError(`${path}: the file is empty`)
  const kind = await kindOf(source)
  if (kind.format === 'text' && reading.mode === 'instruct')
    throw new DataError(`${path}: expected rows to learn replies from (JSONL, JSON, CSV), text does not say who speaks`)
  const direct = !kind.gzip && (kind.format === 'text' || kind.format === 'jsonl')
  const bytes = direct ? source : await unpacked.add(path, kind)
  if (bytes.size === 0) throw new DataError(`${path}: the file is empty`)
  if (kind.format === 'text') return openTextFile(bytes)
  return openJsonlFile(bytes, reading, kind.format === 'jsonl' ? 'line' : 'row')
}

/** Renders the first conversations of a path, to find a template that refuses all of them. */
class TemplateCheck {
  readonly #mode: Reading['mode']
  readonly #codec: TextCodec
  #tried = 0
  #refused = 0
  #first: unknown

  constructor(mode: Reading['mode'], codec: TextCodec) {
    this.#mode = mode
    this.#codec = codec
  }

  visit(document: Document): void {
    if (this.#tried === renderedFirst || 'text' in document) return
    this.#tried++
    try {
      tokensOf(document, this.#mode, this.#codec)
    } catch (problem) {
      this.#first ??= problem
      this.#refused++
    }
  }

  /** Throws what the template said where it refused all. */
  finish(): void {
    if (this.#tried > 0 && this.#refused === this.#tried) throw this.#first
  }
}

function unusableNote({ name, rowName }: DocumentFile, { count, of, first }: Unusable): string {
  return `${name}: ${count} of ${of} ${rowName}s left out; ${rowName} ${first.number}: ${first.problem}`
}
