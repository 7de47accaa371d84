/** Reads the structure of a published graph. */
import { RuntimeError } from '../../../runtime/errors.ts'
import { readModelFile, type ModelFile } from '../../onnx/model-file.ts'
import { SourceError } from '../sources/contract.ts'

/** Throws SourceError where the file is no ONNX file, or ends too early. */
export async function readGraph(path: string): Promise<ModelFile> {
  try {
    return await readModelFile(path)
  } catch (error) {
    throw error instanceof RuntimeError ? new SourceError(error.message, { cause: error }) : error
  }
}
