/** Texts with the vectors that a teacher gives them, as trainer/embedder/start.ts writes them. */
import { join } from 'node:path'
import { readJson } from '../../files.ts'
import { readSafetensors } from '../../safetensors.ts'
import { DataError } from '../batch.ts'

export interface TaughtTexts {
  readonly texts: readonly string[]
  /** A row of `width` numbers for each text, of length 1. */
  readonly vectors: Float32Array
  readonly width: number
}

/** Reads texts.json and vectors.safetensors of a folder. Throws DataError where they do not belong together. */
export async function readTaughtTexts(folder: string): Promise<TaughtTexts> {
  const texts = await readJson(join(folder, 'texts.json'))
  const { vectors } = (await readSafetensors(join(folder, 'vectors.safetensors'))).tensors
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((text) => typeof text === 'string'))
    throw new DataError(`${folder}/texts.json: expected a list of texts`)
  const [rows, width] = vectors?.dims ?? []
  if (!vectors || rows !== texts.length || width === undefined)
    throw new DataError(
      `${folder}/vectors.safetensors: expected vectors [${texts.length}, width], got [${vectors?.dims.join(', ') ?? ''}]`,
    )
  return { texts, vectors: vectors.data as Float32Array, width }
}
