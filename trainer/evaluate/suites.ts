/** The suites of `mneme eval`: what each of them measures, on what, and how it is shown. */
import { tasks } from '../data/tasks/registry.ts'
import type { TaskSource } from '../data/tasks/dataset.ts'
import type { Options } from '../data/tasks/task.ts'
import { recallPicture } from '../picture.ts'
import { DecoderAnswerer } from './decoder-answerer.ts'
import { type Answerer, evaluateRecall } from './keeper.ts'
import { recallTable } from './keeper-table.ts'
import type { Condition } from './keeper-tally.ts'
import { openModel, type OpenModel, type Subject } from './model.ts'
import { decoderPredictor, type Predictor, serverPredictor } from './predictor.ts'
import { ServerAnswerer } from './server-answerer.ts'
import { ServerClient } from './server-client.ts'
import { taskPicture } from './task-picture.ts'
import { taskTable } from './task-table.ts'
import { evaluateTask } from './task.ts'
import { telemetrySuite } from './telemetry/suite.ts'
import { textPicture } from './text-picture.ts'
import { bitsPerByte } from './text.ts'
import { serverBitsPerByte } from './text-server.ts'
import { type TextResult, textTable } from './text-tally.ts'

/** The names of the suites. */
export const suites: readonly string[] = ['keeper', 'text', 'telemetry', ...tasks.keys()]

/** What can be asked for; a suite reads what concerns it. */
export interface Request {
  readonly model?: string
  readonly url?: string
  readonly apiKey?: string
  readonly data?: string
  readonly window: number
  readonly seed: number
  readonly facts: readonly number[]
  readonly distances: readonly number[]
  readonly conditions: readonly Condition[]
  readonly conversations: number
  readonly sequences: number
  readonly tokens: number
  readonly episodes: number
  readonly cell: readonly Options[]
  readonly set: Options
  readonly freeze: string
}

/** What a suite has measured, to be printed, written and drawn. */
export interface Report {
  readonly result: object
  readonly table: string
  readonly subject: Subject
  readonly picture: (title: string) => Promise<string>
}

/** Runs the suite on the checkpoint, bundle or server that the request names. */
export async function measure(suite: string, request: Request): Promise<Report> {
  if (request.url !== undefined) {
    const client = new ServerClient(request.url, request.model, request.apiKey)
    const subject = await client.subject()
    if (suite === 'text') {
      const result = await serverBitsPerByte(client, request.data!, request.window)
      return textReport(result, request.data!, subject)
    }
    if (suite === 'keeper') return keeper(new ServerAnswerer(client), request, subject)
    return task(suite, serverPredictor(client), request, subject)
  }
  if (suite === 'telemetry') return telemetrySuite(request.model!, request, progress)
  const open = await openModel(request.model!, request)
  try {
    if (suite === 'text') return await text(open, request)
    if (suite !== 'keeper')
      return await task(suite, decoderPredictor(open.decoder), request, open.subject, open.trainedOn)
    const answerer = new DecoderAnswerer(open.decoder, open.codec)
    return await keeper(answerer, request, open.subject, (said) => open.codec.encode(said).length)
  } finally {
    open.decoder.close()
  }
}

async function keeper(
  answerer: Answerer,
  request: Request,
  subject: Subject,
  tokens?: (text: string) => number,
): Promise<Report> {
  const { seed, facts, distances, conditions, conversations } = request
  const result = await evaluateRecall(answerer, {
    seed,
    facts,
    distances,
    conditions,
    conversations,
    ...(tokens ? { tokens } : {}),
    progress: ({ condition, facts }) => progress(`${condition}, ${facts} facts`),
  })
  return {
    result,
    table: recallTable(result),
    subject,
    picture: (title) => recallPicture({ [subject.model]: result }, request.conditions[0]!, title),
  }
}

async function text({ decoder, codec, subject }: OpenModel, { data, window }: Request): Promise<Report> {
  return textReport(await bitsPerByte(decoder, codec, data!, window), data!, subject)
}

const textReport = (result: TextResult, file: string, subject: Subject): Report => ({
  result,
  table: textTable(file, result),
  subject,
  picture: (title) => textPicture(result, title),
})

async function task(
  name: string,
  predictor: Predictor,
  request: Request,
  subject: Subject,
  trainedOn?: TaskSource,
): Promise<Report> {
  const own = trainedOn?.task === name ? trainedOn : undefined
  const { fields, grid } = tasks.get(name)!
  const known = fields['vocabulary'] && predictor.vocab !== undefined
  const shared = own?.options ?? (known ? { vocabulary: predictor.vocab } : {})
  const cells = request.cell.length > 0 ? request.cell : (own?.evaluate ?? grid)
  const result = await evaluateTask(predictor, {
    task: name,
    shared,
    cells,
    sequences: request.sequences,
    seed: request.seed,
    progress: (options) => progress(JSON.stringify(options)),
  })
  return { result, table: taskTable(result), subject, picture: (title) => taskPicture(result, title) }
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`)
}
