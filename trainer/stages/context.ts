/** What a stage is given by the command line. */
import type { StatusLine } from '../status-line.ts'

export interface StageContext {
  readonly out: string
  /** The run of the stage before; undefined where none was named. */
  readonly init: string | undefined
  /** Each `key=value`. */
  readonly settings: readonly string[]
  readonly seed: number
  readonly threads: number
  readonly resume: boolean
  readonly command: string
  readonly status: StatusLine
  readonly signal: AbortSignal
}

/** Why a stage ended. */
export type StageEnd = 'done' | 'stopped'
