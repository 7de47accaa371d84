/** A model as a GGUF file, with the configuration and the tensors of the published model that it was converted from. */
import { basename } from 'node:path'
import type { ModelSource } from '../contract.ts'
import { publish } from './architectures/index.ts'
import { specialTokens } from './fields.ts'
import { mappedTensors } from './mapped-tensors.ts'
import { GgufModel } from './model.ts'
import { openGguf } from './open.ts'
import { readTokenizer } from './tokenizer/tokenizer.ts'

/** Opens a GGUF file; tensors are read when they are asked for. Throws SourceError. */
export async function openGgufSource(path: string): Promise<ModelSource> {
  const file = await openGguf(path)
  try {
    const model = new GgufModel(file)
    const config = await publish(model)
    const tensors = mappedTensors(model.mappings, path, () => file.close())
    const read = readTokenizer(file.metadata, path)
    const tokenizer = read && { tokenizer: read.tokenizer, config: read.config }
    const generation = read && read.ends.length > 0 ? { ...specialTokens(model), eos_token_id: read.ends } : {}
    const about = `${basename(path)} (${model.architecture}, GGUF)`
    return { about, config, generation, tensors, tokenizer }
  } catch (error) {
    await file.close()
    throw error
  }
}
