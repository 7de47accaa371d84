/** What is measured: a checkpoint, a run or a bundle, opened the same way. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../models/config.ts'
import { countParameters, flatten } from '../../models/spec.ts'
import { decoderOf, loadBundle } from '../../runtime/bundle.ts'
import { type Decoder, openDecoder, type StateShape } from '../../runtime/decoder.ts'
import { openText, type TextCodec } from '../../runtime/text.ts'
import type { TaskSource } from '../data/tasks/dataset.ts'
import { loadTrained, openTrained } from '../export/weights.ts'
import { type Ablation, withFrozenState } from './ablation.ts'

/** What a result is about. */
export interface Subject {
  readonly model: string
  readonly architecture: string
  readonly parameters: number
  /** Numbers that a session carries from token to token, without those that it keeps for each token. */
  readonly stateFloats: number
  /** Numbers that it keeps for each token, where it does. */
  readonly stateFloatsPerToken?: number
}

export interface OpenModel {
  readonly decoder: Decoder
  readonly codec: TextCodec
  readonly subject: Subject
  /** The task that it was trained on, if it was one. */
  readonly trainedOn: TaskSource | undefined
}

/** Opens a bundle where there is a manifest, else a checkpoint or a run, with an ablation. Throws ConfigError. */
export async function openModel(folder: string, { set, freeze }: Ablation): Promise<OpenModel> {
  const frozen = (decoder: Decoder, state: readonly StateShape[]): Decoder =>
    freeze === '' ? decoder : withFrozenState(decoder, state, freeze)
  if (await stat(join(folder, 'manifest.json')).catch(() => null)) {
    const bundle = await loadBundle(folder)
    if (Object.keys(set).length > 0)
      throw new ConfigError(`--set: expected a checkpoint or a run, whose graph is made now, got the bundle ${folder}`)
    const { architecture, parameters, state, source } = bundle.manifest
    const { file } = decoderOf(bundle.manifest)
    return {
      decoder: frozen(await openDecoder(bundle.path(file), state, { threads: 2 }), state),
      codec: openText(bundle.dir),
      subject: { model: folder, architecture, parameters, ...stateSizes(state) },
      trainedOn: taskOf(source['data']),
    }
  }
  const trained = await loadTrained(folder, set)
  const { model, codec, config } = trained
  const state = flatten(model.state).map(([name, { shape }]) => ({ name, shape }))
  return {
    decoder: frozen(await openTrained(trained), state),
    codec,
    subject: {
      model: folder,
      architecture: model.architecture,
      parameters: countParameters(model.params),
      ...stateSizes(state),
    },
    trainedOn: taskOf(config['data']),
  }
}

/** How much state a session has. */
export function stateSizes(
  state: readonly { readonly shape: readonly (number | string)[] }[],
): Pick<Subject, 'stateFloats' | 'stateFloatsPerToken'> {
  const sizes = { fixed: 0, growing: 0 }
  for (const { shape } of state) {
    const kind = shape.includes('time') ? 'growing' : 'fixed'
    sizes[kind] += shape.slice(1).reduce<number>((n, d) => n * (d === 'time' ? 1 : Number(d)), 1)
  }
  return { stateFloats: sizes.fixed, ...(sizes.growing > 0 ? { stateFloatsPerToken: sizes.growing } : {}) }
}

function taskOf(data: unknown): TaskSource | undefined {
  const source = data as TaskSource | undefined
  return source?.kind === 'task' ? source : undefined
}
