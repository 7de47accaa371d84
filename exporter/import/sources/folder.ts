/** A model as a Hugging Face folder: config.json, safetensors, tokenizer, chat template. */
import { basename, join, resolve } from 'node:path'
import type { ModelSource } from './contract.ts'
import { openFolderTensors } from './folder-files.ts'
import { readFolderTokenizer } from './folder-tokenizer.ts'
import { readSentenceSettings } from './folder-sentence.ts'
import { readJsonObject, readJsonObjectIfThere } from './json.ts'

/** Opens a model folder; tensors are read when they are asked for. Throws SourceError. */
export async function openFolder(path: string): Promise<ModelSource> {
  const folder = resolve(path)
  const config = await readJsonObject(join(folder, 'config.json'))
  const generation = (await readJsonObjectIfThere(join(folder, 'generation_config.json'))) ?? {}
  const tokenizer = await readFolderTokenizer(folder, config, generation)
  const tensors = await openFolderTensors(folder)
  const type = typeof config['model_type'] === 'string' ? config['model_type'] : 'unknown model_type'
  const about = `${basename(folder)} (${type}, safetensors folder)`
  const sentenceSettings = () => readSentenceSettings(folder)
  return { about, config, generation, tensors, tokenizer, sentenceSettings }
}
