/** The command `mneme eval`: a suite on a checkpoint, a bundle or a running server. */
import { Command } from 'commander'
import { commandLine } from '../commands/command-line.ts'
import { path, wholeNumber } from '../commands/parse.ts'
import { writeText } from '../files.ts'
import { exitOnSignals } from '../signals.ts'
import { createStatusLine } from '../status-line.ts'
import type { Subject } from './model.ts'
import type { CommonFlags, Report, Suite } from './suite.ts'
import { gsm8kSuite } from './suites/gsm8k.ts'
import { humanEvalSuite } from './suites/humaneval.ts'
import { keeperSuite } from './suites/keeper.ts'
import { memorySuite } from './suites/memory.ts'
import { mmluSuite } from './suites/mmlu.ts'
import { taskSuites } from './suites/task.ts'
import { telemetrySuite } from './suites/telemetry.ts'
import { textSuite } from './suites/text.ts'
import { truthfulQaSuite } from './suites/truthfulqa.ts'

interface Outputs {
  /** A file, or true for stdout. */
  readonly json?: string | true
  readonly picture?: string
}

/** `mneme eval SUITE`: a command for each suite, with its own options. */
export function evalCommand(): Command {
  const command = new Command('eval').description('measure a checkpoint, a bundle or a running server')
  command.helpCommand(false)
  command.commandsGroup('Suites:')
  for (const suite of suites) command.addCommand(suiteCommand(suite))
  command.commandsGroup('Suites through a server:')
  for (const suite of serverSuites) command.addCommand(suiteCommand(suite))
  command.commandsGroup('Suites of tasks:')
  for (const suite of taskSuites) command.addCommand(suiteCommand(suite))
  return command
}

const suites: readonly Suite[] = [keeperSuite, textSuite, telemetrySuite]

/** Suites that ask a server, or start one for a bundle. */
const serverSuites: readonly Suite[] = [memorySuite, mmluSuite, truthfulQaSuite, gsm8kSuite, humanEvalSuite]

function suiteCommand(suite: Suite): Command {
  const command = new Command(suite.name)
    .description(suite.about)
    .option(
      '--model <folder>',
      "a checkpoint, a run or a bundle; with --url the name of one of the server's models (default: its first)",
      path,
    )
    .option('--url <url>', 'a running server')
    .option('--api-key <key>', "the server's key")
    .option('--json [file]', 'the result as JSON: into the file, or on stdout instead of the table')
    .option('--picture <file>', 'draw the result as SVG', path)
    .option('--seed <n>', 'seed of what is generated', wholeNumber(), 1)
  return suite.options(command).action(async (flags: CommonFlags & Outputs) => {
    exitOnSignals()
    const status = createStatusLine()
    const report = await suite.measure(flags, status).finally(status.end)
    await show(report, flags)
  })
}

/** The table on stdout and the JSON in its file; or only the JSON, on stdout. */
async function show({ result, table, subject, picture }: Report, { json, picture: file }: Outputs): Promise<void> {
  const command = commandLine()
  const encoded = `${JSON.stringify({ subject, command, ...result }, null, 2)}\n`
  process.stdout.write(json === true ? encoded : `${table}\n\n${subjectText(subject)}\n${command}\n`)
  if (typeof json === 'string') await writeText(json, encoded)
  if (file !== undefined) await writeText(file, picture())
}

function subjectText(subject: Subject): string {
  const { architecture, parameters, stateFloats, stateFloatsPerToken: perToken } = subject
  const growing = perToken === undefined ? '' : `, and ${perToken} for each token`
  return `${architecture}, ${parameters} parameters, ${stateFloats} numbers of state a session${growing}`
}
