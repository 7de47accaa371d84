/** outcomes.jsonl: what became of each question with each combination of gates, a line for each question. */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { DataError } from '../../data/batch.ts'
import type { Part } from '../../data/notes/values.ts'
import { type Combination, COMBINATIONS, isOpen } from '../controller/reward.ts'
import type { QuestionKind } from './questions.ts'

/** One reply. */
export interface Run {
  readonly isRight: boolean
  /** Tokens that the server computed, and those of the reply among them. */
  readonly tokens: number
  readonly generated: number
  /** Milliseconds, measured. */
  readonly latency: number
  /** Milliseconds that such a reply takes by the latency model; null until all questions were asked. */
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

/** What a reply costs: least squares over all replies but the slowest, which other processes on the machine delayed. */
export interface LatencyModel {
  readonly msPerReply: number
  readonly msPerPromptToken: number
  readonly msPerReplyToken: number
  /** What checking a reply takes beside. */
  readonly msOfVerification: number
}

/** Replies that are left out, a share of all. */
const SLOWEST = 0.1

type Timed = Pick<Run, 'tokens' | 'generated' | 'latency'> & { readonly combination: Combination }

/** What a reply's latency is made of. */
const termsOf = ({ tokens, generated, combination }: Omit<Timed, 'latency'>): number[] => [
  1,
  tokens - generated,
  generated,
  Number(isOpen(combination, 'verification')),
]

export function fitLatency(all: readonly Outcomes[]): LatencyModel {
  const timed = all.flatMap(({ runs }) =>
    Object.entries(runs).map(([key, run]) => ({ ...run, combination: Number(key) })),
  )
  const fit = (runs: readonly Timed[]): number[] =>
    leastSquares(
      runs.map(termsOf),
      runs.map(({ latency }) => latency),
    )
  const first = fit(timed)
  const late = (run: Timed): number => run.latency - product(termsOf(run), first)
  const kept = timed.toSorted((a, b) => late(a) - late(b)).slice(0, Math.ceil((1 - SLOWEST) * timed.length))
  const [msPerReply, msPerPromptToken, msPerReplyToken, msOfVerification] = fit(kept).map((x) => Math.max(0, x))
  return {
    msPerReply: msPerReply!,
    msPerPromptToken: msPerPromptToken!,
    msPerReplyToken: msPerReplyToken!,
    msOfVerification: msOfVerification!,
  }
}

const product = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

/** The weights whose products with the rows are nearest to the targets: normal equations with a little ridge. */
export function leastSquares(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const size = rows[0]!.length
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 1e-6 : 0)),
    rows.reduce((sum, row, at) => sum + row[i]! * targets[at]!, 0),
  ])
  // Gauss and Jordan; the matrix is positive definite
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) {
      if (i === j) continue
      const share = matrix[j]![i]! / matrix[i]![i]!
      for (let k = i; k <= size; k++) matrix[j]![k]! -= share * matrix[i]![k]!
    }
  return matrix.map((row, i) => row[size]! / row[i]!)
}

/** The outcomes with the latencies that the model gives them. */
export function withModelledLatency(all: readonly Outcomes[], model: LatencyModel): Outcomes[] {
  const weights = [model.msPerReply, model.msPerPromptToken, model.msPerReplyToken, model.msOfVerification]
  const modelled = (run: Run, combination: Combination): Run => ({
    ...run,
    modelled: Number(product(termsOf({ ...run, combination }), weights).toFixed(1)),
  })
  return all.map((one) => ({
    ...one,
    byThreshold: { ...one.byThreshold, ...modelled(one.byThreshold, one.byThreshold.combination) },
    runs: Object.fromEntries(Object.entries(one.runs).map(([key, run]) => [key, modelled(run, Number(key))])),
  }))
}
