/** A study: runs of `mneme train` and `mneme eval` that one table compares, each run continued where it was stopped. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TaskCell } from '../../../trainer/evaluate/task-tally.ts'
import type { TextResult } from '../../../trainer/evaluate/text-tally.ts'

/** One model: how it is trained, and what is measured of it. */
export interface Run {
  readonly name: string
  /** Arguments of `mneme train`; `--out` is added. A model that is there before the study has none. */
  readonly train?: readonly string[]
  /** Arguments of `mneme eval` by the name of a result; `--model` and `--json` are added. */
  readonly evaluate: Readonly<Record<string, readonly string[]>>
}

export interface Study {
  readonly name: string
  readonly about: string
  readonly runs: readonly Run[]
  /** Makes what runs read. */
  prepare?(): void
  /** The results that are there, as Markdown and, where one helps, a picture. */
  show(measured: readonly Measured[]): { readonly table: string; readonly picture?: string }
}

/** What `mneme eval --json` writes, as far as studies read it. */
export interface Result {
  readonly command: string
  readonly task?: string
  readonly subject: { readonly architecture: string; readonly parameters: number; readonly stateFloats: number }
  readonly cells: readonly TaskCell[]
}

export interface Measured {
  readonly run: string
  readonly result: string
  readonly value: Result & TextResult
}

const results = join('docs', 'results')
const bin = resolve('clients/cli/bin.js')

/** The folder of a run of a study. */
export const folderOf = (study: string, run: string): string => join('runs', 'studies', study, fileName(run))

/** Letters, digits, dots and hyphens. */
const fileName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '-')

/** Trains and measures what has not been yet; results go to docs/results/STUDY. */
export function complete(study: Study, chosen: (run: string) => boolean): void {
  mkdirSync(join(results, study.name), { recursive: true })
  study.prepare?.()
  for (const run of study.runs.filter(({ name }) => chosen(name))) {
    const folder = folderOf(study.name, run.name)
    const missing = Object.entries(run.evaluate).filter(([result]) => !existsSync(fileOf(study, run.name, result)))
    if (missing.length === 0) continue
    const resume = existsSync(join(folder, 'last')) ? ['--resume'] : []
    if (run.train) {
      mneme('train', [...run.train, '--out', folder, ...resume])
      copyFileSync(join(folder, 'metrics.jsonl'), join(results, study.name, `${fileName(run.name)}.metrics.jsonl`))
    }
    for (const [result, args] of missing)
      mneme('eval', [...args, '--model', folder, '--json', fileOf(study, run.name, result)])
  }
}

/** The results that are there. */
export function measuredOf(study: Study): Measured[] {
  return study.runs.flatMap((run) =>
    Object.keys(run.evaluate).flatMap((result) => {
      const file = fileOf(study, run.name, result)
      return existsSync(file) ? [{ run: run.name, result, value: JSON.parse(readFileSync(file, 'utf8')) }] : []
    }),
  )
}

const fileOf = (study: Study, run: string, result: string): string =>
  join(results, study.name, `${fileName(run)}.${fileName(result)}.json`)

/** Makes a bundle in float32 of a published model. */
export const importBase = (source: string, out: string): void =>
  mneme('import', [source, '--out', out, '--quantize', 'none'])

function mneme(command: string, args: readonly string[]): void {
  process.stderr.write(`mneme ${command} ${args.map((arg) => (/[\s"{]/.test(arg) ? `'${arg}'` : arg)).join(' ')}\n`)
  const { status } = spawnSync(process.execPath, [bin, command, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`mneme ${command}: exit code ${status}`)
}
