/** Files that training data comes from: plain text, JSONL, token shards, and folders of them. */
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'
import type { CorpusFile } from './corpus-file.ts'
import { openJsonlFile, plainReading, type Reading } from './jsonl-file.ts'
import { openShards } from './shards.ts'
import { openTextFile } from './text-file.ts'

/** Opens files and folders (all their .txt, .md and .jsonl files, in the order of their names). */
export async function openCorpus(
  paths: readonly string[],
  codec: TextCodec,
  reading: Reading = plainReading,
): Promise<CorpusFile[]> {
  const files: CorpusFile[] = []
  for (const path of paths) {
    const shards = await openShards(path, codec)
    if (shards !== undefined && reading.mode === 'instruct')
      throw new DataError(`${path}: expected .jsonl files to learn replies from, token shards do not say who speaks`)
    if (shards !== undefined) files.push(...shards)
    else for (const file of await filesOf(path)) files.push(await openFile(file, codec, reading))
  }
  if (files.length === 0) throw new DataError('training data: expected at least one file, got none')
  return files
}

/** The text files of a path: itself, or those in a folder and in its folders. */
export async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path}: the file cannot be read`, { cause })
  })
  if (!found.isDirectory()) return [path]
  const names = await readdir(path, { recursive: true })
  const files = names.filter((name) => ['.txt', '.md', '.jsonl'].includes(extname(name)))
  if (files.length === 0) throw new DataError(`${path}: expected .txt, .md or .jsonl files in the folder, found none`)
  return files.toSorted().map((name) => join(path, name))
}

async function openFile(path: string, codec: TextCodec, reading: Reading): Promise<CorpusFile> {
  const { size } = await stat(path)
  if (size === 0) throw new DataError(`${path}: the file is empty`)
  if (extname(path) === '.jsonl') return openJsonlFile(path, size, codec, reading)
  if (reading.mode === 'instruct')
    throw new DataError(`${path}: expected .jsonl files to learn replies from, text does not say who speaks`)
  return openTextFile(path, size, codec)
}
