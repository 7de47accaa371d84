/**
 * The suite `mmlu`: questions with lettered choices, answered by the likeliest letter.
 * Hendrycks et al., "Measuring Massive Multitask Language Understanding", 2021.
 */
import type { Command } from 'commander'
import { path, wholeNumber } from '../../commands/parse.ts'
import { DataError } from '../../data/batch.ts'
import { likelihoods, normalised } from '../likelihood.ts'
import type { Outcome } from '../outcome.ts'
import { type Row, readRows, sampleOf, textOf } from '../question-file.ts'
import { askAll, type QuestionFlags, questionReport, withQuestions } from '../question-suite.ts'
import type { ServerClient } from '../server-client.ts'
import { withServer } from '../served-model.ts'
import type { Suite } from '../suite.ts'

interface MmluFlags extends QuestionFlags {
  readonly examples?: string
  readonly shots: number
}

interface Choice {
  readonly question: string
  readonly choices: readonly string[]
  /** Place of the right one. */
  readonly answer: number
}

const LETTERS = 'ABCDEFGHIJ'
const COLUMNS = ['question', 'A', 'B', 'C', 'D', 'answer']

export const mmluSuite: Suite<MmluFlags> = {
  name: 'mmlu',
  about: 'questions with lettered choices, in the format of MMLU, by likelihood of the letter',
  options(command: Command) {
    return withQuestions(command, 'JSONL with question, choices, answer; or CSV as MMLU is published')
      .option('--examples <file>', 'questions that are shown with their answers before each one', path)
      .option('--shots <n>', 'how many of them', wholeNumber(1), 5)
  },
  async measure(flags, status) {
    const questions = sampleOf(await readChoices(flags.data), flags.limit, flags.seed)
    const shown = flags.examples === undefined ? [] : (await readChoices(flags.examples)).slice(0, flags.shots)
    const primer = shown.map((one) => `${promptOf(one)} ${LETTERS[one.answer]}\n\n`).join('')
    return withServer(flags, async (client) => {
      const subject = await client.subject()
      const outcomes = await askAll(questions, flags.concurrency, status, (one, i) => answer(client, primer, one, i))
      const chance = questions.reduce((sum, { choices }) => sum + 1 / choices.length, 0) / questions.length
      const named = [[`${shown.length}-shot`, { outcomes, chance }]] as const
      return questionReport('mmlu', subject, named, { data: flags.data, shots: shown.length })
    })
  },
}

const promptOf = ({ question, choices }: Choice): string =>
  `${question.trim()}\n${choices.map((text, i) => `${LETTERS[i]}. ${text}`).join('\n')}\nAnswer:`

async function answer(client: ServerClient, primer: string, one: Choice, index: number): Promise<Outcome> {
  const began = performance.now()
  const letters = one.choices.map((_, i) => ` ${LETTERS[i]}`)
  const { logprobs, tokens } = await likelihoods(client, primer + promptOf(one), letters)
  const shares = normalised(logprobs)
  const confidence = Math.max(...shares)
  return {
    id: String(index),
    isRight: shares.indexOf(confidence) === one.answer,
    abstains: false,
    confidence,
    f1: null,
    latency: performance.now() - began,
    tokens,
  }
}

async function readChoices(file: string): Promise<Choice[]> {
  return (await readRows(file, COLUMNS)).map((row, i) => choiceOf(row, `${file}: question ${i + 1}`))
}

function choiceOf(row: Row, where: string): Choice {
  const given = row['choices']
  const choices = Array.isArray(given) ? given.map(String) : COLUMNS.slice(1, 5).map((name) => textOf(row, name, where))
  const { answer: said } = row
  const answer = typeof said === 'number' ? said : LETTERS.indexOf(String(said).trim().toUpperCase() || '?')
  if (choices.length < 2 || choices.length > LETTERS.length)
    throw new DataError(`${where}: choices: expected 2 to ${LETTERS.length}, got ${choices.length}`)
  if (!Number.isInteger(answer) || answer < 0 || answer >= choices.length)
    throw new DataError(`${where}: answer: expected the place or the letter of a choice, got ${JSON.stringify(said)}`)
  return { question: textOf(row, 'question', where), choices, answer }
}
