/**
 * The suite `gsm8k`: word problems; the last number of the reply counts.
 * Cobbe et al., "Training Verifiers to Solve Math Word Problems", 2021.
 */
import type { Command } from 'commander'
import { path, wholeNumber } from '../../commands/parse.ts'
import { DataError } from '../../data/batch.ts'
import { ask } from '../ask.ts'
import { admitsIgnorance } from '../keeper-score.ts'
import type { Outcome } from '../outcome.ts'
import { readRows, sampleOf, textOf } from '../question-file.ts'
import { askAll, type QuestionFlags, questionReport, withQuestions } from '../question-suite.ts'
import type { ServerClient } from '../server-client.ts'
import { withServer } from '../served-model.ts'
import type { Suite } from '../suite.ts'

interface Gsm8kFlags extends QuestionFlags {
  readonly examples?: string
  readonly shots: number
  readonly maxTokens: number
}

interface Problem {
  readonly question: string
  readonly solution: string
  readonly answer: number
}

export const gsm8kSuite: Suite<Gsm8kFlags> = {
  name: 'gsm8k',
  about: 'GSM8K: word problems, the last number of the reply',
  options(command: Command) {
    return withQuestions(command, 'the published JSONL, with question and answer')
      .option('--examples <file>', 'problems that are shown with their solutions before each one', path)
      .option('--shots <n>', 'how many of them', wholeNumber(1), 3)
      .option('--max-tokens <n>', 'tokens of a reply at most', wholeNumber(1), 256)
  },
  async measure(flags, status) {
    const problems = sampleOf(await readProblems(flags.data), flags.limit, flags.seed)
    const shown = flags.examples === undefined ? [] : (await readProblems(flags.examples)).slice(0, flags.shots)
    const primer = shown.map((one) => `Question: ${one.question}\nAnswer: ${plain(one.solution)}\n\n`).join('')
    return withServer(flags, async (client) => {
      const subject = await client.subject()
      const outcomes = await askAll(problems, flags.concurrency, status, (one, i) =>
        solve(client, primer, one, i, flags.maxTokens),
      )
      const details = { data: flags.data, shots: shown.length }
      return questionReport('gsm8k', subject, [[`${shown.length}-shot`, { outcomes, chance: 0 }]], details)
    })
  },
}

async function readProblems(file: string): Promise<Problem[]> {
  return (await readRows(file)).map((row, i) => {
    const where = `${file}: question ${i + 1}`
    const solution = textOf(row, 'answer', where)
    const answer = lastNumber(solution.split('####').at(-1) as string)
    if (answer === null) throw new DataError(`${where}: answer: expected a number after ####, got none`)
    return { question: textOf(row, 'question', where), solution, answer }
  })
}

/** A solution as a model would write it: without the calculator's notes. */
const plain = (solution: string): string => solution.replaceAll(/<<[^>]*>>/g, '')

async function solve(
  client: ServerClient,
  primer: string,
  { question, answer }: Problem,
  index: number,
  most: number,
): Promise<Outcome> {
  const input = primer === '' ? question : `${primer}Question: ${question}\nAnswer:`
  const said = await ask(client, input, { most, mneme: { memory: { mode: 'off' }, stop: ['Question:'] } })
  return {
    id: String(index),
    isRight: lastNumber(said.text) === answer,
    abstains: admitsIgnorance(said.text),
    confidence: said.confidence,
    f1: null,
    latency: said.latency,
    tokens: said.tokens,
  }
}

/** The last number of a text; null where there is none. A comma between digits groups them. */
export function lastNumber(text: string): number | null {
  const found = text.match(/-?\d[\d,]*(?:\.\d+)?/g)?.at(-1)
  return found === undefined ? null : Number(found.replaceAll(',', ''))
}
