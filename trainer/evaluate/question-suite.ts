/** What suites of questions share: their options, asking several at once, and their report. */
import type { Command } from 'commander'
import { path, wholeNumber } from '../commands/parse.ts'
import type { StatusLine } from '../status-line.ts'
import { type Outcome, scoresOf } from './outcome.ts'
import { coveragePicture, scoresTable } from './outcome-table.ts'
import type { Subject } from './model.ts'
import type { CommonFlags, Report } from './suite.ts'

export interface QuestionFlags extends CommonFlags {
  readonly data: string
  readonly limit: number
  readonly concurrency: number
}

export function withQuestions(command: Command, file: string): Command {
  return command
    .requiredOption('--data <file>', file, path)
    .option('--limit <n>', 'questions at most, drawn by the seed', wholeNumber(1), Infinity)
    .option('--concurrency <n>', 'questions at once', wholeNumber(1, 64), 4)
}

/** Asks about all items, `concurrency` at once; the outcomes are in the items' order. */
export async function askAll<Item, Result = Outcome>(
  items: readonly Item[],
  concurrency: number,
  status: StatusLine,
  askOne: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      results[at] = await askOne(items[at]!, at)
      status.report(`question ${++done}`, done, items.length)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work))
  return results
}

/** The outcomes of a part or of a condition, and what a blind guess gets. */
export type NamedOutcomes = readonly (readonly [
  name: string,
  { readonly outcomes: readonly Outcome[]; readonly chance: number },
])[]

/** The report of outcomes; `details` goes into the JSON beside them. */
export function questionReport(
  title: string,
  subject: Subject,
  outcomes: NamedOutcomes,
  details: Readonly<Record<string, unknown>>,
  note = '',
): Report {
  const named = outcomes.map(([name, { outcomes, chance }]) => [name, scoresOf(outcomes, chance)] as const)
  return {
    result: { suite: title, scores: Object.fromEntries(named), outcomes: Object.fromEntries(outcomes), ...details },
    table: scoresTable(title, named) + (note === '' ? '' : `\n\n${note}`),
    subject,
    picture: () => coveragePicture(title, named),
  }
}
