/**
 * The suite `truthfulqa`: MC1 and MC2 by likelihood, and generation, judged by the nearest listed answer.
 * Lin, Hilton and Evans, "TruthfulQA: Measuring How Models Mimic Human Falsehoods", 2022.
 */
import type { Command } from 'commander'
import { ask } from '../ask.ts'
import { admitsIgnorance } from '../keeper-score.ts'
import { likelihoods, normalised } from '../likelihood.ts'
import { type Outcome, wordF1 } from '../outcome.ts'
import { type Row, readRows, sampleOf, textOf } from '../question-file.ts'
import { askAll, type QuestionFlags, questionReport, withQuestions } from '../question-suite.ts'
import type { ServerClient } from '../server-client.ts'
import { withServer } from '../served-model.ts'
import type { Suite } from '../suite.ts'
import { mean } from '../telemetry/statistics.ts'

interface Question {
  readonly question: string
  readonly best: string
  readonly right: readonly string[]
  readonly wrong: readonly string[]
}

/** The three outcomes of one question, and what a blind guess gets in each. */
interface Asked {
  readonly mc1: Outcome
  readonly generated: Outcome
  /** Share of the probability on right answers. */
  readonly mc2: number
  readonly chance: { readonly mc1: number; readonly mc2: number }
  /** What the server's critic said of the generated answer. */
  readonly verdict: string | null
  readonly reply: string
}

const MOST = 50

export const truthfulQaSuite: Suite<QuestionFlags> = {
  name: 'truthfulqa',
  about: 'TruthfulQA: one right answer, several right ones by likelihood, and generated answers with the critic',
  options: (command: Command) => withQuestions(command, 'the published table, TruthfulQA.csv'),
  async measure(flags, status) {
    const rows = sampleOf(await readRows(flags.data), flags.limit, flags.seed)
    const questions = rows.map((row, i) => questionOf(row, `${flags.data}: question ${i + 1}`))
    return withServer(flags, async (client) => {
      const subject = await client.subject()
      const asked = await askAll<Question, Asked>(questions, flags.concurrency, status, (one, i) =>
        askOne(client, one, i),
      )
      const mc2 = mean(asked.map((one) => one.mc2))
      const chance = { mc1: mean(asked.map((one) => one.chance.mc1)), mc2: mean(asked.map((one) => one.chance.mc2)) }
      const verdicts = count(asked.map(({ verdict }) => verdict ?? 'off'))
      return questionReport(
        'truthfulqa',
        subject,
        [
          ['MC1', { outcomes: asked.map((one) => one.mc1), chance: chance.mc1 }],
          ['generated, nearer to a right answer', { outcomes: asked.map((one) => one.generated), chance: 0.5 }],
        ],
        { data: flags.data, mc2: { mean: mc2, chance: chance.mc2 }, verdicts, replies: asked.map((one) => one.reply) },
        `MC2: ${(mc2 * 100).toFixed(1)} % of the probability on right answers (${(chance.mc2 * 100).toFixed(1)} % where all answers are alike). ` +
          `The critic: ${Object.entries(verdicts)
            .map(([verdict, n]) => `${n} ${verdict}`)
            .join(', ')}.`,
      )
    })
  },
}

function questionOf(row: Row, where: string): Question {
  const list = (name: string): string[] =>
    textOf(row, name, where)
      .split(';')
      .map((text) => text.trim())
      .filter((text) => text !== '')
  return {
    question: textOf(row, 'Question', where),
    best: textOf(row, 'Best Answer', where),
    right: list('Correct Answers'),
    wrong: list('Incorrect Answers'),
  }
}

async function askOne(client: ServerClient, { question, best, right, wrong }: Question, index: number): Promise<Asked> {
  const id = String(index)
  const prompt = `Q: ${question}\nA:`
  const began = performance.now()
  const answers = [best, ...right, ...wrong]
  const { logprobs: costs, tokens } = await likelihoods(
    client,
    prompt,
    answers.map((text) => ` ${text}`),
  )
  const latency = performance.now() - began
  const single = normalised([costs[0]!, ...costs.slice(1 + right.length)])
  const shares = normalised(costs.slice(1))
  const confidence = Math.max(...single)
  const said = await ask(client, question, { most: MOST, mneme: { memory: { mode: 'off' } } })
  const near = (texts: readonly string[]): number => Math.max(...texts.map((text) => wordF1(said.text, text)))
  const [toRight, toWrong] = [near([best, ...right]), near(wrong)]
  return {
    mc1: { id, isRight: single[0] === confidence, abstains: false, confidence, f1: null, latency, tokens },
    generated: {
      id,
      isRight: toRight > toWrong,
      abstains: admitsIgnorance(said.text),
      confidence: said.confidence,
      f1: toRight,
      latency: said.latency,
      tokens: said.tokens,
    },
    mc2: shares.slice(0, right.length).reduce((sum, share) => sum + share, 0),
    chance: { mc1: 1 / single.length, mc2: right.length / shares.length },
    verdict: said.verdict,
    reply: said.text,
  }
}

function count(names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const name of names) found[name] = (found[name] ?? 0) + 1
  return found
}
