/** The texts of training files as plain files, which is what tokenizers are trained on. */
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { DataError } from '../data/batch.ts'
import { filesOf } from '../data/corpus.ts'
import type { Document } from '../data/document.ts'
import { hubOptions } from '../data/hub/client.ts'
import { isHubName } from '../data/hub/name.ts'
import { hubDocuments, type SplitOptions } from '../data/hub/rows.ts'
import { plainReading, readDocument } from '../data/jsonl-file.ts'
import { readText } from '../data/text-file.ts'

/** Of a data set of a hub this much is looked at, from its beginning. */
const hubSampleCharacters = 32e6

/** How rows are read, of JSONL files and of a hub. */
type Rows = Pick<SplitOptions, 'split' | 'reading'>

/**
 * Calls `use` with plain text files: text files as they are, once they are known to be UTF-8, and for JSONL files
 * temporary ones with their texts and messages. Throws DataError for what is neither.
 */
export async function withPlainText<T>(
  paths: readonly string[],
  use: (files: string[]) => Promise<T>,
  rows: Rows = { split: 'train', reading: plainReading },
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mneme-text-'))
  try {
    const files: string[] = []
    for (const path of paths) {
      if (isHubName(path)) files.push(await sampleHub(path, join(folder, `${files.length}.txt`), rows))
      else for (const file of await filesOf(path)) files.push(await plainFile(file, folder, files.length, rows))
    }
    return await use(files)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function plainFile(path: string, folder: string, number: number, rows: Rows): Promise<string> {
  const { size } = await stat(path)
  if (size === 0) throw new DataError(`${path}: the file is empty`)
  if (extname(path) === '.jsonl') return extractJsonl(path, size, join(folder, `${number}.txt`), rows)
  for (let from = 0; from < size;) from = (await readText(path, from, size)).next
  return path
}

async function extractJsonl(path: string, size: number, target: string, { reading }: Rows): Promise<string> {
  const out = await open(target, 'w')
  try {
    for (let from = 0; from < size;) {
      const { document, next } = await readDocument(path, from, size, reading)
      from = next
      if (document !== undefined) await out.writeFile(plain(document))
    }
  } finally {
    await out.close()
  }
  return target
}

async function sampleHub(name: string, target: string, rows: Rows): Promise<string> {
  const out = await open(target, 'w')
  try {
    let written = 0
    for await (const document of hubDocuments({ ...rows, name, hub: hubOptions(process.env) })) {
      await out.writeFile(plain(document))
      written += plain(document).length
      if (written >= hubSampleCharacters) break
    }
  } finally {
    await out.close()
  }
  return target
}

function plain(document: Document): string {
  const texts = 'text' in document ? [document.text] : document.messages.map(({ content }) => content)
  return `${texts.join('\n')}\n`
}
