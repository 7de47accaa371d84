/** Published models (a folder with config.json, a .gguf file) as what a run starts from, or adapts. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { bindTensors, readParameter, type Bindings } from '../../exporter/import/bind.ts'
import { readPublished } from '../../exporter/import/read-published.ts'
import { openSource, type ModelSource } from '../../exporter/import/sources/source.ts'
import type { Model } from '../../models/architecture.ts'
import { flatten } from '../../models/spec.ts'
import { ImportError } from '../../exporter/import/import-error.ts'

/** Whether a path is a published model's: a .gguf file, or a folder as transformers writes it. */
export const isPublishedModel = (path: string): boolean =>
  path.toLowerCase().endsWith('.gguf') ||
  (existsSync(join(path, 'config.json')) && !existsSync(join(path, 'state.json')))

export interface ModelFiles {
  readonly path: string
  /** What `fingerprint` must give; empty where any model of these shapes will do. */
  readonly hash: string
}

/** Where the weights of an adapter's base are, if they are a published model's. */
export function publishedBase({ architecture, config }: Model): ModelFiles | undefined {
  if (architecture !== 'adapter' || config['source'] === '') return undefined
  const { source, sourceHash } = config as { readonly source: string; readonly sourceHash: string }
  return { path: source, hash: sourceHash }
}

export interface OpenModelFiles {
  readonly source: ModelSource
  readonly model: Model
  readonly bindings: Bindings
}

/** Opens the files, whose tensors must be those of a family that is known; `source.tensors.close()` ends it. */
export async function openModelFiles(path: string): Promise<OpenModelFiles> {
  const source = await openSource(path)
  try {
    const { model } = await readPublished(source)
    return { source, model, bindings: bindTensors(model, source.tensors) }
  } catch (error) {
    await source.tensors.close()
    throw error
  }
}

/** sha256 of names and shapes of all tensors and the numbers of the vectors: norms and biases tell two trainings apart. */
export async function fingerprint({ model, bindings, source }: OpenModelFiles): Promise<string> {
  const hash = createHash('sha256')
  for (const [path, { shape }] of flatten(model.params)) {
    hash.update(`${path} ${shape.join()};`)
    if (shape.length === 1) hash.update(await readParameter(bindings.get(path)!, source.tensors))
  }
  return hash.digest('hex')
}

/** Calls `take` with each parameter of the model, one after the other; returns one line about it. */
export async function readModelFiles(
  { path, hash: expected }: ModelFiles,
  take: (path: string, data: Float32Array) => void,
): Promise<string> {
  const files = await openModelFiles(path)
  try {
    await expectHash(path, files, expected)
    for (const [name, binding] of files.bindings) take(name, await readParameter(binding, files.source.tensors))
    return `${path}: ${files.source.about}, ${files.bindings.size} parameters`
  } finally {
    await files.source.tensors.close()
  }
}

/** Throws ImportError where the files are not those of the model that was adapted. */
export async function checkModelFiles({ path, hash }: ModelFiles): Promise<void> {
  const files = await openModelFiles(path)
  try {
    await expectHash(path, files, hash)
  } finally {
    await files.source.tensors.close()
  }
}

async function expectHash(path: string, files: OpenModelFiles, expected: string): Promise<void> {
  const hash = await fingerprint(files)
  if (expected !== '' && hash !== expected)
    throw new ImportError(
      `${path}: expected the model that was adapted (${expected.slice(0, 12)}), got another one (${hash.slice(0, 12)})`,
    )
}

/** tokenizer.json and tokenizer_config.json of a published model, as texts. Throws ImportError where it has none. */
export async function readModelTokenizer(path: string): Promise<{ tokenizer: string; config: string }> {
  const { tensors, tokenizer } = await openSource(path)
  await tensors.close()
  if (!tokenizer) throw new ImportError(`${path}: expected a tokenizer in the model's files, got none`)
  return { tokenizer: JSON.stringify(tokenizer.tokenizer), config: JSON.stringify(tokenizer.config) }
}
