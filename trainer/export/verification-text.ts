/** Real text for the exporter's verification: what the model was trained on, or a file. */
import { openPlainText, passagesOf } from '../data/text-file.ts'
import { DataError, type Dataset } from '../data/batch.ts'
import { keeperDataset, type Stage } from '../data/keeper/dataset.ts'
import { taskDataset, type TaskSource } from '../data/tasks/dataset.ts'
import { textDataset } from '../data/text.ts'
import { configureData } from '../recipes/define.ts'
import type { TextSource } from '../recipes/recipe.ts'
import { readingOf } from '../run/data.ts'
import type { Trained } from './weights.ts'

/** `count` ids of real text in the model's own tokens. */
export async function verificationIds(trained: Trained, count: number, file?: string): Promise<number[]> {
  if (file !== undefined) {
    const ids: number[] = []
    for await (const text of passagesOf(await openPlainText(file))) {
      for (const id of trained.codec.encode(text).slice(0, count - ids.length)) ids.push(id)
      if (ids.length === count) break
    }
    if (ids.length < 2) throw new DataError(`${file}: expected at least 2 tokens of text, got ${ids.length}`)
    return ids
  }
  try {
    return [...(await (await dataOf(trained, count)).next()).ids]
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause
    throw new DataError(`${cause.message}; give --text FILE to verify on`, { cause })
  }
}

async function dataOf({ config, codec }: Trained, sequenceLength: number): Promise<Dataset> {
  const source = config['data'] as unknown as { kind: string; stages?: Stage[] }
  if (source.kind === 'keeper')
    return keeperDataset({ batch: 1, sequenceLength, codec, seed: 4242, stages: source.stages!.slice(0, 1) })
  if (source.kind === 'task')
    return taskDataset({
      source: source as unknown as TaskSource,
      batch: 1,
      sequenceLength,
      carry: true,
      seed: 4242,
      part: 'heldout',
    })
  const saved = configureData(source as TextSource) as TextSource
  const { fields } = readingOf(saved, 'pretrain')
  return textDataset({ paths: saved.files, codec, batch: 1, sequenceLength, split: saved.split, fields })
}
