/** The command `mneme eval`: a benchmark on a checkpoint, a bundle or a running server. */
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../../models/config.ts'
import { attributes } from '../data/keeper/attributes.ts'
import { tasks } from '../data/tasks/registry.ts'
import type { Options } from '../data/tasks/task.ts'
import { type Condition, conditions } from './keeper-tally.ts'
import type { Subject } from './model.ts'
import { modelOption } from '../recipes/settings.ts'
import { wholeNumber } from '../commands/parse.ts'
import { measure, type Report, type Request, suites } from './suites.ts'

interface Flags extends Request {
  /** A file, or true for stdout. */
  readonly json?: string | true
  readonly picture?: string
}

/** `mneme eval SUITE`. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('measure a checkpoint, a bundle or a running server')
    .addHelpText('after', `\nTasks:\n${[...tasks.values()].map((t) => `  ${t.name.padEnd(18)} ${t.about}`).join('\n')}`)
    .addArgument(
      new Command()
        .createArgument(
          '<suite>',
          'keeper: recall of told facts; text: bits per byte; telemetry: what the memory does; or a task',
        )
        .choices(suites),
    )
    .option(
      '--model <folder>',
      "a checkpoint, a run or a bundle; with --url the name of the server's model (default: its first)",
    )
    .option('--url <url>', 'a running server (not for telemetry)')
    .option('--api-key <key>', "the server's key")
    .option('--json [file]', 'the result as JSON: into the file, or on stdout instead of the table')
    .option('--picture <file>', 'write the curves as SVG')
    .option('--seed <n>', 'seed of the conversations or sequences', wholeNumber(), 1)
    .option('--data <file>', 'text to measure on (text, telemetry)')
    .option(
      '--window <n>',
      'start anew after so many tokens, with --url characters; 0: never (text only)',
      wholeNumber(),
      0,
    )
    .option('--facts <list>', 'numbers of facts (keeper only)', factCounts, [1, 2, 4, 8, 16, 32, 64])
    .option('--distances <list>', 'turns of small talk before the questions (keeper only)', numbers, [1, 10, 100, 200])
    .addOption(
      new Option('--conditions <list>', `${conditions.join(', ')} (keeper only)`)
        .argParser(conditionsOf)
        .default(['heldout', 'unseen', 'corrected', 'untold'] as Condition[]),
    )
    .option(
      '--conversations <n>',
      'conversations for each condition and number of facts (keeper only)',
      wholeNumber(1),
      10,
    )
    .option('--sequences <n>', 'sequences for each set of options (tasks only)', wholeNumber(1), 200)
    .option('--tokens <n>', 'tokens of text, and of small talk after a fact (telemetry only)', wholeNumber(1), 256)
    .option('--episodes <n>', 'episodes that a probe is fitted and tested on (telemetry only)', wholeNumber(1), 200)
    .option(
      '--cell <name=value,...>',
      "options of the task to measure, e.g. length=512,pairs=128 (tasks only, repeatable; default: the recipe's)",
      (value, all: Options[]) => [...all, optionsOf(value)],
      [],
    )
    .option(
      '--set <key=value>',
      'an option of the model that shall be other than in training, e.g. model.sync=false; its parameters have to fit (repeatable)',
      modelOption,
      {},
    )
    .option('--freeze <pattern>', 'state that is never written: a regular expression over its names', '')
    .action(async (suite: string, flags: Flags, command: Command) => {
      const wrong = complaint(suite, flags)
      if (wrong !== undefined) return command.error(`eval ${suite}: ${wrong}`, { exitCode: 2 })
      return show(await measure(suite, flags), flags)
    })
}

/** What is missing or too much, in words. */
function complaint(suite: string, { model, url, data, window, set, freeze }: Flags): string | undefined {
  if (model === undefined && url === undefined) return 'expected --model, or --url of a running server'
  if (suite === 'text' && data === undefined) return 'expected --data, a file'
  if (suite === 'text' && url !== undefined && window < 2)
    return 'expected --window, the characters of a prompt, with --url'
  if (suite === 'telemetry' && url !== undefined) return 'expected --model, a checkpoint or a run, not --url'
  const changed = freeze !== '' || Object.keys(set).length > 0
  if (changed && (url !== undefined || suite === 'telemetry'))
    return '--set and --freeze are for a model that is opened here, and not for telemetry'
  return undefined
}

/** The table on stdout and the JSON in its file; or only the JSON, on stdout. */
async function show({ result, table, subject, picture }: Report, { json, picture: file }: Flags): Promise<void> {
  const command = `mneme ${commandLine(process.argv.slice(2))}`
  const encoded = `${JSON.stringify({ subject, command, ...result }, null, 2)}\n`
  process.stdout.write(json === true ? encoded : `${table}\n\n${subjectText(subject)}\n${command}\n`)
  if (typeof json === 'string') await writeFile(json, encoded)
  if (file !== undefined) await writeFile(file, await picture(command))
}

/** The command line without the server's key. */
function commandLine(args: readonly string[]): string {
  return args
    .map((arg, i) => (args[i - 1] === '--api-key' ? '***' : arg.replace(/^(--api-key=).*/s, '$1***')))
    .join(' ')
}

function subjectText(subject: Subject): string {
  return `${subject.architecture}, ${subject.parameters} parameters, ${subject.stateFloats} numbers of state a session`
}

function factCounts(value: string): number[] {
  const counts = numbers(value)
  if (counts.some((n) => n < 1 || n > attributes.length - 1))
    throw new InvalidArgumentError(`Expected whole numbers from 1 to ${attributes.length - 1}.`)
  return counts
}

function conditionsOf(value: string): Condition[] {
  const given = value.split(',')
  const wrong = given.find((name) => !(conditions as readonly string[]).includes(name))
  if (wrong !== undefined) throw new InvalidArgumentError(`Expected some of ${conditions.join(', ')}, got ${wrong}.`)
  return given as Condition[]
}

const numbers = (value: string): number[] => value.split(',').map(wholeNumber())

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
