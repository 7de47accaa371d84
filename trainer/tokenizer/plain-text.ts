/** The texts of training files as plain files, which is what tokenizers are trained on. */
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { DataError } from '../data/batch.ts'
import { filesOf } from '../data/corpus.ts'
import { readDocument } from '../data/jsonl-file.ts'
import { readText } from '../data/text-file.ts'

/**
 * Calls `use` with plain text files: text files as they are, once they are known to be UTF-8, and for JSONL files
 * temporary ones with their texts and messages. Throws DataError for what is neither.
 */
export async function withPlainText<T>(paths: readonly string[], use: (files: string[]) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mneme-text-'))
  try {
    const files: string[] = []
    for (const path of paths)
      for (const file of await filesOf(path)) files.push(await plainFile(file, folder, files.length))
    return await use(files)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function plainFile(path: string, folder: string, number: number): Promise<string> {
  const { size } = await stat(path)
  if (size === 0) throw new DataError(`${path}: the file is empty`)
  if (extname(path) === '.jsonl') return extractJsonl(path, size, join(folder, `${number}.txt`))
  for (let from = 0; from < size;) from = (await readText(path, from, size)).next
  return path
}

async function extractJsonl(path: string, size: number, target: string): Promise<string> {
  const out = await open(target, 'w')
  try {
    for (let from = 0; from < size;) {
      const { document, next } = await readDocument(path, from, size)
      from = next
      if (document === undefined) continue
      const texts = 'text' in document ? [document.text] : document.messages.map(({ content }) => content)
      await out.writeFile(`${texts.join('\n')}\n`)
    }
  } finally {
    await out.close()
  }
  return target
}
