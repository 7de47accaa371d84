/**
 * The suite `humaneval`: Python functions, run against their tests in a sandbox; pass@1 of the greedy completion.
 * Chen et al., "Evaluating Large Language Models Trained on Code", 2021.
 */
import type { Command } from 'commander'
import { wholeNumber } from '../../commands/parse.ts'
import { confidenceOf } from '../likelihood.ts'
import type { Outcome } from '../outcome.ts'
import { readRows, sampleOf, textOf } from '../question-file.ts'
import { askAll, type QuestionFlags, questionReport, withQuestions } from '../question-suite.ts'
import { openSandbox, type Ran, type Sandbox } from '../sandbox.ts'
import type { ServerClient } from '../server-client.ts'
import { withServer } from '../served-model.ts'
import type { Suite } from '../suite.ts'

interface HumanEvalFlags extends QuestionFlags {
  readonly maxTokens: number
}

interface Problem {
  readonly id: string
  /** The beginning of a program, up to the function's documentation. */
  readonly prompt: string
  readonly test: string
  readonly entryPoint: string
}

interface Completion {
  readonly choices: readonly {
    readonly text: string
    readonly logprobs: { readonly token_logprobs: readonly number[] }
  }[]
  readonly usage: { readonly total_tokens: number; readonly prompt_tokens_details: { readonly cached_tokens: number } }
}

/** Where a function's body has ended, as in the paper. */
const STOP = ['\nclass ', '\ndef ', '\n#', '\nif ', '\nprint(']

export const humanEvalSuite: Suite<HumanEvalFlags> = {
  name: 'humaneval',
  about: 'HumanEval: Python functions, run against their tests in a sandbox (bubblewrap and python3)',
  options: (command: Command) =>
    withQuestions(command, 'the published JSONL, plain or gzip').option(
      '--max-tokens <n>',
      'tokens of a function at most',
      wholeNumber(1),
      256,
    ),
  async measure(flags, status) {
    const problems = sampleOf(await readProblems(flags.data), flags.limit, flags.seed)
    const sandbox = await openSandbox()
    return withServer(flags, async (client) => {
      const subject = await client.subject()
      const results = await askAll(problems, flags.concurrency, status, (one) =>
        solve(client, sandbox, one, flags.maxTokens),
      )
      const outcomes = results.map(({ outcome }) => outcome)
      const late = results.filter(({ ran }) => ran === 'timed out').length
      return questionReport('humaneval', subject, [['pass@1', { outcomes, chance: 0 }]], {
        data: flags.data,
        timedOut: late,
        programs: results.map(({ text }) => text),
      })
    })
  },
}

async function readProblems(file: string): Promise<Problem[]> {
  return (await readRows(file)).map((row, i) => {
    const where = `${file}: problem ${i + 1}`
    return {
      id: textOf(row, 'task_id', where),
      prompt: textOf(row, 'prompt', where),
      test: textOf(row, 'test', where),
      entryPoint: textOf(row, 'entry_point', where),
    }
  })
}

async function solve(
  client: ServerClient,
  sandbox: Sandbox,
  { id, prompt, test, entryPoint }: Problem,
  most: number,
): Promise<{ readonly outcome: Outcome; readonly ran: Ran; readonly text: string }> {
  // A line break and the indentation after it are one token to many models: the reply begins with the break.
  const begun = prompt.trimEnd()
  // Four stop texts at most are taken by the protocol: the last one is cut here.
  const request = { prompt: begun, max_tokens: most, temperature: 0, logprobs: 0, stop: STOP.slice(0, 4) }
  const began = performance.now()
  const { choices, usage } = await client.call<Completion>('/v1/completions', {
    model: await client.model(),
    ...request,
  })
  const latency = performance.now() - began
  const [{ text: whole, logprobs }] = choices as [Completion['choices'][number]]
  const text = whole.split(STOP.at(-1) as string)[0] as string
  const ran = await sandbox.run(`${begun}${text}\n${test}\ncheck(${entryPoint})\n`)
  const outcome = {
    id,
    isRight: ran === 'passed',
    abstains: false,
    confidence: confidenceOf(logprobs.token_logprobs),
    f1: null,
    latency,
    tokens: usage.total_tokens - usage.prompt_tokens_details.cached_tokens,
  }
  return { outcome, ran, text }
}
