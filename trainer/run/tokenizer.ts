/** The tokenizer of a run: made when it begins, from what its recipe says. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../data/batch.ts'
import { taskVocabulary } from '../data/tasks/dataset.ts'
import type { ReportProgress } from '../data/progress.ts'
import { writeText } from '../files.ts'
import { isPublishedModel, readModelTokenizer } from '../import/model-files.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { readTokenizerFolder } from '../tokenizer/folder.ts'
import { chatTokens, writeTokenizer } from '../tokenizer/format.ts'
import { writeIdTokenizer } from '../tokenizer/ids.ts'
import { openTexts } from '../tokenizer/texts.ts'
import { byteTokenizer, trainBpe, trainCharacters } from '../tokenizer/train.ts'
import { readingOf } from './data.ts'

/** Writes the recipe's tokenizer into a folder. Throws DataError or TokenizerError. */
export async function makeTokenizer(recipe: Recipe, folder: string, progress?: ReportProgress): Promise<void> {
  const { tokenizer: choice, data, name } = recipe
  await mkdir(folder, { recursive: true })
  if (data.kind === 'task' || choice.kind === 'ids') {
    if (data.kind !== 'task' || choice.kind !== 'ids')
      throw new DataError(
        `${name}.tokenizer: expected ids with a task and only there, got ${choice.kind} with ${data.kind}`,
      )
    return writeIdTokenizer(folder, taskVocabulary(data))
  }
  if (choice.kind === 'folder') return copyTokenizer(choice.folder, folder)
  if (choice.kind === 'byte') return writeTokenizer(folder, byteTokenizer(chatTokens))
  if (data.kind !== 'text') throw new DataError(`${name}.tokenizer: expected a folder or byte, got ${choice.kind}`)
  const learn = choice.kind === 'bpe' ? trainBpe : trainCharacters
  const reading = readingOf(data, 'pretrain')
  const { texts } = await openTexts(data.files, { split: data.split, reading, ...(progress ? { progress } : {}) })
  const learned = (done: number, of: number): void => progress?.('learning tokens', done, of)
  const vocab = choice.vocab || 4096
  return writeTokenizer(folder, await learn({ texts, vocab, special: chatTokens, progress: learned }))
}

async function copyTokenizer(from: string, to: string): Promise<void> {
  if (from === '')
    throw new DataError(
      'tokenizer.folder: expected a folder for tokenizer.kind=folder, got none; --set tokenizer.folder=FOLDER',
    )
  const { tokenizer, config } = await (isPublishedModel(from) ? readModelTokenizer(from) : readTokenizerFolder(from))
  await writeText(join(to, 'tokenizer.json'), tokenizer)
  await writeText(join(to, 'tokenizer_config.json'), config)
}
