/** Opens a checkpoint: its model, weights and tokenizer. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { decoderGraph } from '../../exporter/decoder.ts'
import type { Kernels } from '../../exporter/kernels.ts'
import type { Model } from '../../models/architecture.ts'
import { ConfigError, type Options } from '../../models/config.ts'
import { createModel } from '../../models/registry.ts'
import { elements, flatten, publishedPaths } from '../../models/spec.ts'
import { type Decoder, openDecoder } from '../../runtime/decoder.ts'
import { openText, type TextCodec } from '../../runtime/text.ts'
import { publishedBase, readModelFiles } from '../import/model-files.ts'
import { loadCheckpoint } from '../run/checkpoint.ts'
import type { JsonValue } from '../data/batch.ts'

export interface Trained {
  readonly model: Model
  readonly weights: ReadonlyMap<string, Float32Array>
  readonly codec: TextCodec
  /** The checkpoint's folder, which holds the tokenizer too. */
  readonly folder: string
  readonly step: number
  readonly config: { readonly [key: string]: JsonValue }
}

/**
 * Reads a checkpoint folder, or the last checkpoint of a run's folder; `changed` are options of its model that shall be other
 * than they were in training. Throws ConfigError where they ask for parameters that the checkpoint does not have.
 */
export async function loadTrained(folder: string, changed: Options = {}): Promise<Trained> {
  if (existsSync(join(folder, 'last'))) folder = join(folder, 'last')
  const found = await loadCheckpoint(folder)
  const config = found.state['config'] as { readonly [key: string]: JsonValue }
  const codec = openText(folder)
  const options = { ...(config['model'] as Options), ...changed }
  const model = createModel(config['architecture'] as string, options, codec.vocabSize)
  const all = new Map(Object.entries(found.model).map(([path, t]) => [path, t.data as Float32Array]))
  const base = publishedBase(model)
  if (base && publishedPaths(model.params).size > 0)
    await readModelFiles(base, (path, data) => all.set(`base.${path}`, data))
  const weights = Object.keys(changed).length > 0 ? fitting(model, all, changed) : all
  return { model, weights, codec, folder, step: found.step, config }
}

/** Selects the weights that the model with `changed` options has. Throws ConfigError where one is missing or of another size. */
export function fitting(
  model: Model,
  weights: ReadonlyMap<string, Float32Array>,
  changed: Options,
): Map<string, Float32Array> {
  return new Map(
    flatten(model.params).map(([path, { shape }]) => {
      const own = weights.get(path)
      if (own?.length === elements(shape)) return [path, own]
      throw new ConfigError(
        `${model.architecture}: with ${JSON.stringify(changed)} ${path} has ${elements(shape)} numbers, ` +
          `the checkpoint has ${own?.length ?? 'none'}; train a model with these options instead`,
      )
    }),
  )
}

/** The decoder of a checkpoint, traced as it would be exported. */
export function openTrained({ model, weights }: Trained, kernels: Kernels = 'fused', threads = 2): Promise<Decoder> {
  const graph = decoderGraph(model, weights, kernels)
  return openDecoder(graph.bytes, graph.state, { threads })
}
