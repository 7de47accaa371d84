/** Sources of published models: a Hugging Face folder or a GGUF file, read alike. */
import { stat } from 'node:fs/promises'
import { SourceError, type ModelSource } from './contract.ts'
import { unreadable } from './file-bytes.ts'
import { openFolder } from './folder.ts'
import { openGgufSource } from './gguf/source.ts'
import { isPickle, PICKLE_REASON } from './pickle.ts'

export { SourceError } from './contract.ts'
export type { BlockKind, ModelSource, QuantBlocks, TensorSource, TokenizerContents } from './contract.ts'

/** Opens a model folder or a .gguf file; `tensors.close()` ends it. Throws SourceError in one sentence. */
export async function openSource(path: string): Promise<ModelSource> {
  const about = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  if (about.isDirectory()) return openFolder(path)
  if (isPickle(path))
    throw new SourceError(`${path}: ${PICKLE_REASON}; expected a folder with safetensors or a GGUF file`)
  return openGgufSource(path)
}
