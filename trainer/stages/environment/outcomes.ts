/** outcomes.jsonl: what became of each question with each combination of gates, a line for each question. */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { DataError } from '../../data/batch.ts'
import { median } from '../../evaluate/telemetry/statistics.ts'
import type { Part } from '../../data/notes/values.ts'
import { type Combination, COMBINATIONS, isOpen } from '../controller/reward.ts'
import type { QuestionKind } from './questions.ts'

/** One reply. */
export interface Run {
  readonly isRight: boolean
  /** Tokens that the server computed. */
  readonly tokens: number
  /** Milliseconds, measured. */
  readonly latency: number
  /** Milliseconds that such a reply takes on an idle machine's average; null until all questions were asked. */
  readonly modelled: number | null
  readonly reply: string
}

export interface Outcomes {
  readonly user: number
  readonly part: Part
  readonly kind: QuestionKind
  readonly question: string
  /** The vector of the question by the served embedder. */
  readonly query: readonly number[]
  /** In the order of FEATURE_NAMES. */
  readonly features: readonly number[]
  /** The gates that could be opened. Combinations that differ in others only are one run. */
  readonly free: Combination
  /** The reply where the server's thresholds decide, and what they decided. */
  readonly byThreshold: Run & { readonly combination: Combination }
  /** By the number of the combination, of free gates only. */
  readonly runs: Readonly<Record<number, Run>>
}

/** The reply with these gates. */
export function runOf({ runs, free }: Outcomes, combination: Combination): Run {
  const run = runs[combination & free]
  if (run === undefined) throw new RangeError(`outcomes: expected a run of combination ${combination & free}, got none`)
  return run
}

/** The combinations that can differ in a question. */
export function differentCombinations(free: Combination): Combination[] {
  return Array.from({ length: COMBINATIONS }, (_, i) => i).filter((combination) => (combination & free) === combination)
}

/** Appends the questions of one user, all or none. */
export const appendOutcomes = (file: string, all: readonly Outcomes[]): Promise<void> =>
  appendFile(file, all.map((one) => `${JSON.stringify(one)}\n`).join(''))

/** Reads the file, or nothing where there is none. A user whose lines were cut off is left out. Throws DataError. */
export async function readOutcomes(file: string): Promise<Outcomes[]> {
  if (!existsSync(file)) return []
  const text = await readFile(file, 'utf8')
  const lines = text.split('\n').slice(0, -1)
  const all = lines.map((line, i) => {
    try {
      return JSON.parse(line) as Outcomes
    } catch (cause) {
      throw new DataError(`${file}: line ${i + 1} is not JSON; remove it`, { cause })
    }
  })
  const cutOff = text.endsWith('\n') || text === '' ? undefined : all.at(-1)?.user
  return all.filter(({ user }) => user !== cutOff)
}

/** Writes the file anew. */
export async function writeOutcomes(file: string, all: readonly Outcomes[]): Promise<void> {
  await writeFile(`${file}.new`, all.map((one) => `${JSON.stringify(one)}\n`).join(''))
  await rename(`${file}.new`, file)
}

/** What a reply costs on average: medians, so that another process's load on the machine does not count. */
export interface LatencyModel {
  readonly msPerToken: number
  /** What checking a reply takes beside. */
  readonly msOfVerification: number
}

export function fitLatency(all: readonly Outcomes[]): LatencyModel {
  const runs = all.flatMap(({ runs }) => Object.entries(runs).map(([key, run]) => ({ ...run, key: Number(key) })))
  const plain = runs.filter(({ key, tokens }) => !isOpen(key, 'verification') && tokens > 0)
  const checked = runs.filter(({ key }) => isOpen(key, 'verification'))
  const msPerToken = median(plain.map(({ latency, tokens }) => latency / tokens)) ?? 0
  const extra = median(checked.map(({ latency, tokens }) => latency - msPerToken * tokens)) ?? 0
  return { msPerToken, msOfVerification: Math.max(0, extra) }
}

/** The outcomes with the latencies that the model gives them. */
export function withModelledLatency(all: readonly Outcomes[], model: LatencyModel): Outcomes[] {
  const modelled = (run: Run, combination: Combination): number =>
    model.msPerToken * run.tokens + (isOpen(combination, 'verification') ? model.msOfVerification : 0)
  return all.map((one) => ({
    ...one,
    byThreshold: { ...one.byThreshold, modelled: modelled(one.byThreshold, one.byThreshold.combination) },
    runs: Object.fromEntries(
      Object.entries(one.runs).map(([key, run]) => [key, { ...run, modelled: modelled(run, Number(key)) }]),
    ),
  }))
}
