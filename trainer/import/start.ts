/** Starts a run from existing weights instead of random ones. */
import type { Model } from '../../models/architecture.ts'
import { frozenPaths, publishedPaths } from '../../models/spec.ts'
import type { Backend } from '../backends/backend.ts'
import { readSafetensors } from '../safetensors.ts'
import { checkpointWeights } from './checkpoint.ts'
import { gpt2 } from './gpt2.ts'
import { mamba } from './mamba.ts'
import { isPublishedModel, type ModelFiles, publishedBase, readModelFiles } from './model-files.ts'
import { ImportError } from '../../exporter/import/import-error.ts'
import { importWeights, type Published } from './published.ts'

/** Files of weights by their kind; an empty path is none. */
export interface Start {
  /** A checkpoint, a run, a safetensors file with our paths, or a published model. */
  readonly checkpoint: string
  readonly gpt2: string
  readonly mamba: string
}

const known = { gpt2, mamba } as const satisfies Partial<Record<keyof Start, Published>>

/**
 * Puts the files' weights into the backend; one line for each file that says what was taken. `tokenizer` is the run's.
 * Throws ImportError where they do not fit, or where a frozen parameter got none.
 */
export async function startFrom(start: Start, model: Model, backend: Backend, tokenizer: string): Promise<string[]> {
  const lines: string[] = []
  const missing = new Set(frozenPaths(model.params))
  const putOne = (path: string, data: Float32Array): void => {
    backend.put(path, data)
    missing.delete(path)
  }
  const put = (weights: ReadonlyMap<string, Float32Array>): void => {
    for (const [path, data] of weights) putOne(path, data)
  }
  const published = publishedStart(start, model)
  if (published !== undefined) {
    const before = model.architecture === 'adapter' ? 'base.' : ''
    lines.push(await readModelFiles(published, (path, data) => putOne(`${before}${path}`, data)))
  }
  if (start.checkpoint !== '' && !isPublishedModel(start.checkpoint)) {
    const { weights, about } = await checkpointWeights(start.checkpoint, model, tokenizer)
    put(weights)
    lines.push(about)
  }
  for (const [kind, published] of Object.entries(known)) {
    const file = start[kind as keyof typeof known]
    if (file === '') continue
    const { tensors } = await readSafetensors(file)
    const { weights, unused } = importWeights(published, tensors, model.params)
    put(weights)
    lines.push(
      `${published.name} from ${file}: ${weights.size} tensors, ${unused.length} not used${unused.length > 0 ? ` (${unused.slice(0, 3).join(', ')}${unused.length > 3 ? ', ...' : ''})` : ''}`,
    )
  }
  const [first] = missing
  if (first !== undefined)
    throw new ImportError(
      `${first}: is frozen and has no trained values; give --init with a checkpoint that holds them`,
    )
  return lines
}

/** The published model that the run starts from, if there is one. */
function publishedStart({ checkpoint }: Start, model: Model): ModelFiles | undefined {
  const base = publishedBase(model)
  if (base) return base
  return checkpoint !== '' && isPublishedModel(checkpoint) ? { path: checkpoint, hash: '' } : undefined
}

/** Puts the weights of the published model that an adapter is of into a backend: its checkpoints have none of them. */
export async function putPublishedBase(model: Model, backend: Backend): Promise<void> {
  const base = publishedBase(model)
  if (base && publishedPaths(model.params).size > 0)
    await readModelFiles(base, (path, data) => backend.put(`base.${path}`, data))
}
