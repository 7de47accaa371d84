/** Weights of an earlier run for a new one: the same architecture, or the base of an adapter. */
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Model } from '../../models/architecture.ts'
import { flatten } from '../../models/spec.ts'
import type { Tensor } from '../../runtime/tensor.ts'
import { loadCheckpoint } from '../run/checkpoint.ts'
import { currentName } from '../run/checkpoint-names.ts'
import { readSafetensors } from '../safetensors.ts'
import { ImportError } from '../../exporter/import/import-error.ts'
import { fromHalf } from '../../exporter/import/sources/numbers.ts'

export interface CheckpointWeights {
  /** By our paths. */
  readonly weights: ReadonlyMap<string, Float32Array>
  /** One line: what came from where. */
  readonly about: string
}

/**
 * The parameters that the checkpoint folder, run or safetensors file `from` has for `model`: by the same path, or by
 * the path behind `base.`. What it does not have is drawn as always. Throws ImportError for a tensor that has no place
 * or another shape, and where a checkpoint's tokenizer is not the one in the folder `tokenizer`.
 */
export async function checkpointWeights(from: string, model: Model, tokenizer: string): Promise<CheckpointWeights> {
  const specs = new Map(flatten(model.params))
  const weights = new Map<string, Float32Array>()
  for (const [name, { dtype, dims, data }] of Object.entries(await read(from, tokenizer))) {
    const current = currentName(name)
    const path = [current, `base.${current}`].find((known) => specs.has(known))
    if (path === undefined) throw new ImportError(`${from}: ${name}: this ${model.architecture} has no such parameter`)
    const shape = specs.get(path)!.shape
    if (!(dtype === 'float32' || dtype === 'float16') || dims.join() !== shape.join())
      throw new ImportError(
        `${from}: ${name}: expected float32 [${shape.join(', ')}], got ${dtype} [${dims.join(', ')}]`,
      )
    weights.set(path, inFloat32(data))
  }
  return { weights, about: `${from}: ${weights.size} of ${specs.size} parameters` }
}

/** What is given away is in float16 (share-adapter.ts). */
export const inFloat32 = (data: Tensor['data']): Float32Array =>
  data instanceof Uint16Array ? Float32Array.from(data, fromHalf) : (data as Float32Array)

async function read(from: string, tokenizer: string): Promise<Readonly<Record<string, Tensor>>> {
  const found = await stat(from).catch((cause: unknown) => {
    throw new ImportError(`${from}: expected a checkpoint, a run or a safetensors file, found nothing`, { cause })
  })
  if (!found.isDirectory()) return (await readSafetensors(from)).tensors
  const folder = existsSync(join(from, 'last')) ? join(from, 'last') : from
  const { model } = await loadCheckpoint(folder)
  const [theirs, ours] = await Promise.all(
    [folder, tokenizer].map((at) => readFile(join(at, 'tokenizer.json'), 'utf8').catch(() => '')),
  )
  if (theirs !== '' && theirs !== ours)
    throw new ImportError(
      `${from}: was trained with another tokenizer; use it: --set tokenizer.kind=folder --set tokenizer.folder=${folder}`,
    )
  return model
}
