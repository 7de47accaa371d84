/** Whether a resumed run has the tokenizer that it began with. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readState, tokenizerFiles } from './checkpoint.ts'
import { DataError } from '../data/batch.ts'
import { isPublishedModel, readModelTokenizer } from '../import/model-files.ts'
import type { Recipe } from '../recipes/recipe.ts'

/**
 * Compares contents: the run's own tokenizer folder, and the one that is asked for, have the hashes of the last
 * checkpoint. Throws DataError in one sentence where they have not.
 */
export async function checkTokenizer(asked: Recipe['tokenizer'], run: string): Promise<void> {
  const { state, files } = await readState(join(run, 'last'))
  const began = (state['config'] as unknown as { readonly tokenizer: Recipe['tokenizer'] }).tokenizer
  const same = JSON.stringify(asked) === JSON.stringify(began)
  if (asked.kind !== 'folder' && !same)
    throw new DataError(
      `resume: tokenizer: the run began with ${JSON.stringify(began)}, asked for ${JSON.stringify(asked)}`,
    )
  for (const file of tokenizerFiles) {
    const expected = files[file]?.sha256
    if (expected === undefined) continue
    const own = join(run, 'tokenizer', file)
    compare(own, await readFile(own).catch(unreadable(own)), expected)
    if (asked.kind !== 'folder') continue
    const other = join(asked.folder, file)
    const there = contentsOf(asked.folder, file)
    // What was copied into the run does it where the folder that it came from is gone
    const contents = await (same ? there.catch(() => undefined) : there.catch(unreadable(other)))
    if (contents !== undefined) compare(other, contents, expected)
  }
}

const unreadable = (path: string) => (cause: unknown) => {
  throw new DataError(`resume: tokenizer: ${path} cannot be read`, { cause })
}

/** A tokenizer's file, of a folder or as a run takes it out of a published model. */
async function contentsOf(folder: string, file: (typeof tokenizerFiles)[number]): Promise<Buffer | string> {
  if (!isPublishedModel(folder)) return readFile(join(folder, file))
  const { tokenizer, config } = await readModelTokenizer(folder)
  return file === 'tokenizer.json' ? tokenizer : config
}

function compare(path: string, bytes: Buffer | string, expected: string): void {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== expected)
    throw new DataError(
      `resume: tokenizer: the run began with another one: ${path} has sha256 ${sha256.slice(0, 12)}, expected ${expected.slice(0, 12)}`,
    )
}
