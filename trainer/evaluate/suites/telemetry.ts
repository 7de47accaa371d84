/** The suite `telemetry`: what a memory holds, how long, and how it moves. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ConfigError } from '../../../models/config.ts'
import { countParameters, flatten } from '../../../models/spec.ts'
import { path, wholeNumber } from '../../commands/parse.ts'
import { DataError } from '../../data/batch.ts'
import { openPlainText, passagesOf } from '../../data/text-file.ts'
import { loadTrained, type Trained } from '../../export/weights.ts'
import { stateSizes } from '../model.ts'
import type { CommonFlags, Suite } from '../suite.ts'
import { Observer } from '../telemetry/observer.ts'
import { telemetryPicture } from '../telemetry/picture.ts'
import { telemetryTable } from '../telemetry/table.ts'
import { telemetry } from '../telemetry/telemetry.ts'

interface TelemetryFlags extends CommonFlags {
  readonly data?: string
  readonly tokens: number
  readonly episodes: number
}

export const telemetrySuite: Suite<TelemetryFlags> = {
  name: 'telemetry',
  about: 'what a memory holds, how long, how it moves; gates and use of experts and rows (of a checkpoint or a run)',
  options(command: Command) {
    return command
      .option('--data <file>', 'plain text to observe, instead of small talk', path)
      .option('--tokens <n>', 'tokens of text, and of small talk after a fact, at least 8', wholeNumber(8), 256)
      .option('--episodes <n>', 'episodes that a probe is fitted and tested on, at least 20', wholeNumber(20), 200)
  },
  async measure({ model: folder, url, data, tokens, episodes, seed }, status) {
    if (folder === undefined || url !== undefined)
      throw new ConfigError('eval telemetry: expected --model, a checkpoint or a run, not --url')
    const trained = await openObservable(folder)
    const { model, codec } = trained
    const text = data === undefined ? undefined : await tokensOf(trained, data, tokens)
    const observer = await Observer.open(trained)
    const result = telemetry(observer, codec, {
      tokens,
      episodes,
      seed,
      unit: unitOf(model.config),
      ...(text ? { text } : {}),
      progress: (what) => status.report(what),
    })
    const subject = {
      model: folder,
      architecture: model.architecture,
      parameters: countParameters(model.params),
      ...stateSizes(flatten(model.state).map(([, spec]) => spec)),
    }
    return { result, table: telemetryTable(result), subject, picture: () => telemetryPicture(result, subject) }
  },
}

/** A checkpoint or a run. Throws ConfigError for a bundle, and for a model that does not read token by token. */
async function openObservable(folder: string): Promise<Trained> {
  if (await stat(join(folder, 'manifest.json')).catch(() => null))
    throw new ConfigError(`${folder}: telemetry observes a checkpoint or a run; the graph of a bundle shows no taps`)
  const trained = await loadTrained(folder)
  if (trained.model.trainingOnly !== undefined)
    throw new ConfigError(`${folder}: telemetry reads token by token: ${trained.model.trainingOnly}`)
  return trained
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
