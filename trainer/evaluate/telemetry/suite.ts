/** The suite `telemetry` of `mneme eval`. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../../models/config.ts'
import { countParameters, flatten } from '../../../models/spec.ts'
import { DataError } from '../../data/batch.ts'
import { openPlainText, passagesOf } from '../../data/text-file.ts'
import { loadTrained, type Trained } from '../../export/weights.ts'
import type { Subject } from '../model.ts'
import { Observer } from './observer.ts'
import { telemetryPicture } from './picture.ts'
import { telemetryTable } from './table.ts'
import { telemetry, type TelemetryResult } from './telemetry.ts'

export interface TelemetryRequest {
  readonly data?: string
  readonly tokens: number
  readonly episodes: number
  readonly seed: number
}

export interface TelemetryReport {
  readonly result: TelemetryResult
  readonly table: string
  readonly subject: Subject
  readonly picture: (title: string) => Promise<string>
}

/** Opens a checkpoint or a run and measures it. A bundle is refused with a ConfigError. */
export async function telemetrySuite(
  folder: string,
  { data, tokens, episodes, seed }: TelemetryRequest,
  progress?: (what: string) => void,
): Promise<TelemetryReport> {
  if (tokens < 8 || episodes < 20)
    throw new ConfigError(`telemetry: expected --tokens of at least 8 and --episodes of at least 20`)
  if (await stat(join(folder, 'manifest.json')).catch(() => null))
    throw new ConfigError(`${folder}: telemetry observes a checkpoint or a run; a bundle has nothing to watch`)
  const trained = await loadTrained(folder)
  const { model, codec } = trained
  if (model.trainingOnly !== undefined)
    throw new ConfigError(`${folder}: telemetry reads token by token: ${model.trainingOnly}`)
  const text = data === undefined ? undefined : await tokensOf(trained, data, tokens)
  const observer = await Observer.open(trained)
  const result = telemetry(observer, codec, {
    tokens,
    episodes,
    seed,
    unit: unitOf(model.config),
    ...(text ? { text } : {}),
    ...(progress ? { progress } : {}),
  })
  const state = flatten(model.state).map(([, { shape }]) => shape.slice(1).reduce<number>((n, d) => n * Number(d), 1))
  const subject = {
    model: folder,
    architecture: model.architecture,
    parameters: countParameters(model.params),
    stateFloats: state.reduce((a, b) => a + b, 0),
  }
  return { result, table: telemetryTable(result), subject, picture: (title) => telemetryPicture(result, title) }
}

/** Where a chunked memory writes: the option that says so has one of two names. */
function unitOf(config: Readonly<Record<string, unknown>>): number {
  const unit = config['chunk'] ?? config['stride']
  return typeof unit === 'number' && unit > 0 ? unit : 1
}

async function tokensOf({ codec }: Trained, file: string, count: number): Promise<readonly number[]> {
  const ids: number[] = []
  for await (const text of passagesOf(await openPlainText(file))) {
    ids.push(...codec.encode(text).slice(0, count - ids.length))
    if (ids.length === count) break
  }
  if (ids.length < 8) throw new DataError(`${file}: expected at least 8 tokens of text, got ${ids.length}`)
  return ids
}
