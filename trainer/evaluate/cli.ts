/** The command `mneme eval`: a benchmark on a checkpoint, a bundle or a running server. */
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../../models/config.ts'
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
import { evaluateTask } from './task.ts'
import { taskPicture } from './task-picture.ts'
import { taskTable } from './task-table.ts'
import { bitsPerByte, textTable } from './text.ts'
import { textPicture } from './text-picture.ts'

interface Flags {
  readonly model?: string
  readonly url?: string
  readonly apiKey?: string
  readonly data?: string
  readonly window: number
  /** A file, or true for stdout. */
  readonly json?: string | true
  readonly picture?: string
  readonly seed: number
  readonly facts: number[]
  readonly distances: number[]
  readonly conditions: Condition[]
  readonly conversations: number
  readonly sequences: number
  readonly cell: Options[]
}

/** What a suite has measured, to be printed, written and drawn. */
interface Report {
  readonly result: object
  readonly table: string
  readonly subject: Subject
  readonly picture: (title: string) => Promise<string>
}

/** `mneme eval SUITE`. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('measure a checkpoint, a bundle or a running server')
    .addHelpText('after', `\nTasks:\n${[...tasks.values()].map((t) => `  ${t.name.padEnd(18)} ${t.about}`).join('\n')}`)
    .addArgument(
      new Command()
        .createArgument('<suite>', 'keeper: recall of told facts; text: bits per byte; or a task, see below')
        .choices(['keeper', 'text', ...tasks.keys()]),
    )
    .option('--model <folder>', 'a checkpoint, a run or a bundle')
    .option('--url <url>', 'a running server (not for text)')
    .option('--api-key <key>', "the server's key")
    .option('--json [file]', 'the result as JSON: into the file, or on stdout instead of the table')
    .option('--picture <file>', 'write the curves as SVG')
    .option('--seed <n>', 'seed of the conversations or sequences', number, 1)
    .option('--data <file>', 'text to measure on (text only)')
    .option('--window <n>', 'start anew after so many tokens; 0: never (text only)', number, 0)
    .option('--facts <list>', 'numbers of facts (keeper only)', numbers, [1, 2, 4, 8, 16, 32, 64])
    .option('--distances <list>', 'turns of small talk before the questions (keeper only)', numbers, [1, 10, 100, 200])
    .addOption(
      new Option('--conditions <list>', 'train, heldout, unseen, corrected, untold (keeper only)')
        .argParser((v) => v.split(',') as Condition[])
        .default(['heldout', 'unseen', 'corrected', 'untold'] as Condition[]),
    )
    .option('--conversations <n>', 'conversations for each condition and number of facts (keeper only)', number, 10)
    .option('--sequences <n>', 'sequences for each set of options (tasks only)', number, 200)
    .option(
      '--cell <name=value,...>',
      "options of the task to measure, e.g. length=512,pairs=128 (tasks only, repeatable; default: the recipe's)",
      (value, all: Options[]) => [...all, optionsOf(value)],
      [],
    )
    .action(async (suite: string, flags: Flags, command: Command) => {
      const wrong = complaint(suite, flags)
      if (wrong !== undefined) return command.error(`eval ${suite}: ${wrong}`, { exitCode: 2 })
      return show(await measure(suite, flags), flags)
    })
}

/** What is missing or too much, in words. */
function complaint(suite: string, { model, url, data }: Flags): string | undefined {
  if ((model === undefined) === (url === undefined)) return 'expected either --model or --url'
  if (suite === 'text' && (model === undefined || data === undefined))
    return 'expected --model, a checkpoint or a bundle, and --data, a file'
  return undefined
}

async function measure(suite: string, flags: Flags): Promise<Report> {
  if (flags.url !== undefined) {
    const client = new ServerClient(flags.url, flags.apiKey)
    const subject = await client.subject()
    if (suite === 'keeper') return keeper(new ServerAnswerer(client), flags, subject)
    return task(suite, serverPredictor(client), flags, subject)
  }
  const open = await openModel(flags.model!)
  try {
    if (suite === 'text') return await text(open, flags)
    if (suite !== 'keeper')
      return await task(suite, decoderPredictor(open.decoder), flags, open.subject, open.trainedOn)
    const answerer = new DecoderAnswerer(open.decoder, open.codec)
    return await keeper(answerer, flags, open.subject, (said) => open.codec.encode(said).length)
  } finally {
    open.decoder.close()
  }
}

async function keeper(
  answerer: Answerer,
  flags: Flags,
  subject: Subject,
  tokens?: (text: string) => number,
): Promise<Report> {
  const result = await evaluateRecall(answerer, {
    ...flags,
    ...(tokens ? { tokens } : {}),
    progress: ({ condition, facts }) => progress(`${condition}, ${facts} facts`),
  })
  return {
    result,
    table: recallTable(result),
    subject,
    picture: (title) => recallPicture({ [subject.model]: result }, flags.conditions[0]!, title),
  }
}

async function text({ decoder, codec, subject }: OpenModel, { data, window }: Flags): Promise<Report> {
  const result = await bitsPerByte(decoder, codec, data!, window)
  return { result, table: textTable(data!, result), subject, picture: (title) => textPicture(result, title) }
}

async function task(
  name: string,
  predictor: Predictor,
  flags: Flags,
  subject: Subject,
  trainedOn?: TaskSource,
): Promise<Report> {
  const own = trainedOn?.task === name ? trainedOn : undefined
  const { fields, grid } = tasks.get(name)!
  const known = fields['vocabulary'] && predictor.vocab !== undefined
  const shared = own?.options ?? (known ? { vocabulary: predictor.vocab } : {})
  const cells = flags.cell.length > 0 ? flags.cell : (own?.evaluate ?? grid)
  const result = await evaluateTask(predictor, {
    task: name,
    shared,
    cells,
    sequences: flags.sequences,
    seed: flags.seed,
    progress: (options) => progress(JSON.stringify(options)),
  })
  return { result, table: taskTable(result), subject, picture: (title) => taskPicture(result, title) }
}

/** The table on stdout and the JSON in its file; or only the JSON, on stdout. */
async function show({ result, table, subject, picture }: Report, { json, picture: file }: Flags): Promise<void> {
  const command = `mneme ${process.argv.slice(2).join(' ')}`
  const encoded = `${JSON.stringify({ subject, command, ...result }, null, 2)}\n`
  process.stdout.write(json === true ? encoded : `${table}\n\n${subjectText(subject)}\n${command}\n`)
  if (typeof json === 'string') await writeFile(json, encoded)
  if (file !== undefined) await writeFile(file, await picture(command))
}

function subjectText(subject: Subject): string {
  return `${subject.architecture}, ${subject.parameters} parameters, ${subject.stateFloats} numbers of state a session`
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`)
}

function number(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(value)
}

const numbers = (value: string): number[] => value.split(',').map(number)

/** `a=1,b=true,c=S3` as options. */
function optionsOf(value: string): Options {
  return Object.fromEntries(
    value.split(',').map((part) => {
      const [name, text = '', ...rest] = part.split('=')
      if (!name || text === '' || rest.length > 0)
        throw new ConfigError(`--cell: expected name=value,name=value, got ${value}`)
      const known: Record<string, boolean> = { true: true, false: false }
      return [name, known[text] ?? (Number.isNaN(Number(text)) ? text : Number(text))]
    }),
  )
}
