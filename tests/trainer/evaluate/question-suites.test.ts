/** Suites of questions through a server: a scripted model that knows some answers. */
import { gzipSync } from 'node:zlib'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Scores } from '../../../trainer/evaluate/outcome.ts'
import type { CommonFlags, Suite } from '../../../trainer/evaluate/suite.ts'
import { gsm8kSuite, lastNumber } from '../../../trainer/evaluate/suites/gsm8k.ts'
import { mmluSuite } from '../../../trainer/evaluate/suites/mmlu.ts'
import { truthfulQaSuite } from '../../../trainer/evaluate/suites/truthfulqa.ts'
import { END } from '../../support/fake-model.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer } from '../../support/test-server.ts'

const quiet = { report: () => undefined, note: () => undefined, end: () => undefined }

/** A server whose model goes on with `rest(text)`, letter by letter, and ends where that is empty. */
async function serverThatSays(rest: (text: string) => string): Promise<string> {
  const next = (history: readonly number[]): number => {
    const text = history.map((id) => (id < 256 ? String.fromCharCode(id) : '|')).join('')
    return rest(text).charCodeAt(0) || END
  }
  return (await startTestServer({ append: true, next })).listen()
}

interface Result {
  readonly scores: Readonly<Record<string, Scores>>
}

async function measure<F extends CommonFlags>(suite: Suite<F>, flags: Omit<F, 'seed'>): Promise<Result> {
  return (await suite.measure({ seed: 1, ...flags } as F, quiet)).result as Result
}

const write = (name: string, content: string | Buffer): string => {
  const file = join(temporaryFolder(), name)
  writeFileSync(file, content)
  return file
}

/** What is left of `answer` where the text ends with its beginning, after `lead`. */
const going = (text: string, lead: string, answer: string): string => {
  const said = text.slice(text.lastIndexOf(lead) + lead.length)
  return text.includes(lead) && answer.startsWith(said) ? answer.slice(said.length) : ''
}

const shared = { limit: Infinity, concurrency: 2 }

test('mmlu: the likeliest letter is the answer, from JSON lines and from the published table', async () => {
  const url = await serverThatSays((text) => going(text, 'Answer:', ' B'))
  const rows = [
    { question: 'Which one?', choices: ['first', 'second', 'third'], answer: 1 },
    { question: 'And now?', choices: ['one', 'two'], answer: 'A' },
  ]
  const jsonl = write('questions.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'))
  const { scores } = await measure(mmluSuite, { ...shared, url, data: jsonl, shots: 5 })
  expect(scores['0-shot']).toMatchObject({ accuracy: { right: 1, asked: 2 }, chance: (1 / 3 + 1 / 2) / 2 })
  expect(scores['0-shot']!.hallucination).toMatchObject({ right: 1 })
  const csv = write('test.csv', '"Which, of these?",w,x,y,z,B\nAnd here?,w,x,y,z,D\n')
  const shown = await measure(mmluSuite, { ...shared, url, data: csv, examples: jsonl, shots: 1 })
  expect(shown.scores['1-shot']).toMatchObject({ accuracy: { right: 1, asked: 2 }, chance: 0.25 })
})

test('mmlu: a row that is wrong is named, before anything is asked', async () => {
  const data = write('questions.jsonl', '{"question": "a", "choices": ["x", "y"], "answer": 0}\n{"question": "b"}\n')
  await expect(measure(mmluSuite, { ...shared, url: 'http://127.0.0.1:1', data, shots: 5 })).rejects.toThrow(
    'questions.jsonl: question 2: A: expected a text, got nothing',
  )
})

test('gsm8k: the last number of the reply counts, with grouped digits', async () => {
  const url = await serverThatSays((text) => going(text, '|', 'It is 5, no: $1,200. ') || '')
  const rows = [
    { question: 'How much?', answer: 'Some.\n#### 1,200' },
    { question: 'How many?', answer: '#### 5' },
  ]
  const data = write('gsm8k.jsonl.gz', gzipSync(rows.map((row) => JSON.stringify(row)).join('\n')))
  const { scores } = await measure(gsm8kSuite, { ...shared, url, data, shots: 3, maxTokens: 40 })
  expect(scores['0-shot']).toMatchObject({ accuracy: { right: 1, asked: 2 } })
  expect([lastNumber('a -3.5 b'), lastNumber('1,000.'), lastNumber('none')]).toEqual([-3.5, 1000, null])
})

test('truthfulqa: one answer by likelihood, the share of probability on right ones, and the nearest of a generated one', async () => {
  const url = await serverThatSays((text) => going(text, 'A:', ' Yes.') || going(text, '|', 'Yes it is.'))
  const head = 'Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source'
  const rows = ['A,B,Is it so?,Yes.,Yes.; Yes it is,No.; Never,s', 'A,B,Is it not?,No.,No.; Never,Yes.; Yes it is,s']
  const data = write('TruthfulQA.csv', [head, ...rows].join('\n'))
  const result = await measure(truthfulQaSuite, { ...shared, url, data })
  expect(result.scores['MC1']).toMatchObject({ accuracy: { right: 1, asked: 2 }, chance: 1 / 3 })
  expect(result.scores['generated, nearer to a right answer']).toMatchObject({ accuracy: { right: 1, asked: 2 } })
  expect((result as Result & { mc2: { mean: number; chance: number } }).mc2).toMatchObject({ chance: 0.5 })
  expect((result as Result & { mc2: { mean: number } }).mc2.mean).toBeCloseTo(0.5, 3)
})
