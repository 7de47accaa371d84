/** The tokenizer of an imported model: its source's, another folder's, or one of bare ids. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openText } from '../../runtime/text.ts'
import { idTokenizer } from './id-tokenizer.ts'
import { ImportError } from './import-error.ts'
import type { ImportOptions } from './import-options.ts'
import { readFolderTokenizer } from './sources/folder-tokenizer.ts'
import type { ModelSource, TokenizerContents } from './sources/source.ts'

/** Throws ImportError where there is none in the folder that was named, or it has more tokens than the model. */
export async function modelTokenizer(
  o: Pick<ImportOptions, 'tokenizer'>,
  source: Pick<ModelSource, 'config' | 'generation' | 'tokenizer'>,
  vocab: number,
): Promise<TokenizerContents> {
  const found = await contentsOf(o, source, vocab)
  const { vocabSize } = openText(found)
  if (vocabSize > vocab) throw new ImportError(`tokenizer: has ${vocabSize} tokens, the model only ${vocab}`)
  return found
}

async function contentsOf(
  { tokenizer }: Pick<ImportOptions, 'tokenizer'>,
  source: Pick<ModelSource, 'config' | 'generation' | 'tokenizer'>,
  vocab: number,
): Promise<TokenizerContents> {
  if (tokenizer === undefined) return source.tokenizer ?? idTokenizer(vocab)
  const given = await readFolderTokenizer(tokenizer, source.config, source.generation)
  if (!given) throw new ImportError(`${tokenizer}: expected a tokenizer.json, got none`)
  return given
}

/** Writes a bundle's tokenizer. */
export async function writeTokenizer(folder: string, { tokenizer, config }: TokenizerContents): Promise<void> {
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
}
