/** What a suite of `mneme eval` is: its own options, and a measurement. */
import type { Command } from 'commander'
import { ConfigError, type Options } from '../../models/config.ts'
import { modelOption } from '../recipes/settings.ts'
import type { StatusLine } from '../status-line.ts'
import type { Subject } from './model.ts'

export interface Suite<Flags extends CommonFlags = CommonFlags> {
  readonly name: string
  /** What it measures. */
  readonly about: string
  /** Adds the options that only this suite has. */
  options(command: Command): Command
  measure(flags: Flags, status: StatusLine): Promise<Report>
}

/** Options that every suite has. */
export interface CommonFlags {
  /** A folder; with `url` the name of one of the server's models. */
  readonly model?: string
  readonly url?: string
  readonly apiKey?: string
  readonly seed: number
}

/** What a suite has measured, to be printed, written and drawn. */
export interface Report {
  readonly result: object
  readonly table: string
  readonly subject: Subject
  /** The SVG of the result. */
  readonly picture: () => string
}

/** Options of suites that can measure a model without a part of it. */
export interface AblationFlags {
  readonly set: Options
  readonly freeze: string
}

export function withAblation(command: Command): Command {
  return command
    .option(
      '--set <key=value>',
      'an option of the model that shall be other than in training, e.g. model.sync=false; its parameters have to fit (repeatable)',
      modelOption,
      {},
    )
    .option('--freeze <pattern>', 'state that is never written: a regular expression over its names', '')
}

/** Throws ConfigError where an ablation was asked of a server, whose models are as they are. */
export function refuseAblation({ set, freeze }: AblationFlags): void {
  if (freeze !== '' || Object.keys(set).length > 0)
    throw new ConfigError('eval: --set and --freeze are for a model that is opened here, not for one of a server')
}

/** The folder of the model. Throws ConfigError where there is neither one nor a server. */
export function modelFolder({ model }: CommonFlags): string {
  if (model === undefined) throw new ConfigError('eval: expected --model, or --url of a running server')
  return model
}
