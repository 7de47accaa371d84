/** `mneme scaffold torch`: a checkpoint as a PyTorch project that trains on, on more devices than one process reaches. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../models/config.ts'
import { packageRoot } from '../../runtime/package.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { flatten } from '../../models/spec.ts'
import { encodeSafetensors } from '../safetensors.ts'
import type { Trained } from '../export/weights.ts'
import { torchModule } from './module.ts'

const templates = join(packageRoot(), 'trainer/scaffold/templates')

/** Rows and tokens of a batch of one process. */
export interface Shape {
  readonly batch: number
  readonly time: number
}

/** Writes model.py, train.py, the weights, the tokenizer and launcher configurations; refuses a folder with files in it. */
export async function scaffoldTorch(trained: Trained, out: string, { batch, time }: Shape): Promise<string[]> {
  const { model, weights, config, folder } = trained
  if (time % model.chunkLength !== 0)
    throw new ConfigError(`--time: expected a multiple of ${model.chunkLength} for ${model.architecture}, got ${time}`)
  await mkdir(out, { recursive: true })
  if ((await readdir(out)).length > 0) throw new ConfigError(`--out ${out}: expected an empty folder`)
  const tensors = Object.fromEntries(
    flatten(model.params).map(([path, spec]) => [
      path,
      createTensor('float32', spec.shape.map(Number), weights.get(path)),
    ]),
  )
  await writeFile(join(out, 'model.py'), torchModule(model, batch, time))
  await writeFile(join(out, 'model.safetensors'), encodeSafetensors(tensors, { format: 'mneme' }))
  const settings = { ...config, model: model.config, batch, sequenceLength: time }
  await writeFile(join(out, 'config.json'), `${JSON.stringify(settings, null, 2)}\n`)
  for (const file of await readdir(templates)) await copyFile(join(templates, file), join(out, file))
  const deepspeed = JSON.parse(await readFile(join(out, 'deepspeed.json'), 'utf8')) as Record<string, unknown>
  deepspeed['train_micro_batch_size_per_gpu'] = batch
  deepspeed['gradient_accumulation_steps'] = config['accumulate']
  await writeFile(join(out, 'deepspeed.json'), `${JSON.stringify(deepspeed, null, 2)}\n`)
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) await copyFile(join(folder, file), join(out, file))
  return (await readdir(out)).toSorted()
}
