/** `mneme scaffold torch`: a checkpoint as a PyTorch project, to be trained further on more devices than one process reaches. */
import { readsTexts } from '../../models/model.ts'
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../models/config.ts'
import { flatten } from '../../models/spec.ts'
import { packageRoot } from '../../runtime/package.ts'
import { createFolder } from '../../runtime/replace-folder.ts'
import { createTensor } from '../../runtime/tensor.ts'
import type { Trained } from '../export/weights.ts'
import { readJson, writeText } from '../files.ts'
import { encodeSafetensors } from '../safetensors.ts'
import { torchModule } from './module.ts'

const templates = join(packageRoot(), 'trainer/scaffold/templates')

/** Rows and tokens of a batch of one process. */
export interface BatchShape {
  readonly batch: number
  readonly sequenceLength: number
}

/** Writes model.py, train.py, the weights, the tokenizer and launcher configurations; returns the names of the files. */
export async function scaffoldTorch(trained: Trained, out: string, shape: BatchShape): Promise<string[]> {
  const { model } = trained
  const { sequenceLength } = shape
  if (readsTexts(model))
    throw new ConfigError(
      `scaffold: expected a model that predicts tokens, got ${model.architecture}: train.py has no labels of whole texts`,
    )
  if (sequenceLength % model.chunkLength !== 0)
    throw new ConfigError(
      `--sequence-length: expected a multiple of ${model.chunkLength} for ${model.architecture}, got ${sequenceLength}`,
    )
  return createFolder(out, async (folder) => {
    await writeProject(trained, folder, shape)
    return (await readdir(folder)).toSorted()
  })
}

async function writeProject(trained: Trained, out: string, { batch, sequenceLength }: BatchShape): Promise<void> {
  const { model, weights, config, folder } = trained
  const tensors = Object.fromEntries(
    flatten(model.params).map(([path, spec]) => [
      path,
      createTensor('float32', spec.shape.map(Number), weights.get(path)),
    ]),
  )
  await writeText(join(out, 'model.py'), torchModule(model, batch, sequenceLength))
  await writeFile(join(out, 'model.safetensors'), encodeSafetensors(tensors, { format: 'mneme' }))
  const settings = { ...config, model: model.config, batch, sequenceLength }
  await writeText(join(out, 'config.json'), `${JSON.stringify(settings, null, 2)}\n`)
  for (const file of await readdir(templates)) await copyFile(join(templates, file), join(out, file))
  const deepspeed = {
    ...((await readJson(join(out, 'deepspeed.json'))) as object),
    train_micro_batch_size_per_gpu: batch,
    gradient_accumulation_steps: config['accumulate'],
  }
  await writeText(join(out, 'deepspeed.json'), `${JSON.stringify(deepspeed, null, 2)}\n`)
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) await copyFile(join(folder, file), join(out, file))
}
