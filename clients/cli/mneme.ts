/** The command `mneme`: finds who does what was asked, loads that only, and turns errors into exit codes. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'

/** A command: what it does, and how it is loaded. */
interface Entry {
  readonly about: string
  readonly load: () => Promise<Command>
}

/** Every command of mneme. `load` is called for the one that is asked for. */
const entries: Readonly<Record<string, Entry>> = {
  serve: {
    about: 'serve models over the OpenAI protocols, with memory that lasts',
    load: async () =>
      (await import('../../server/cli.ts')).serveCommand(async (named, folder, say) => {
        const { servedBundle } = await import('../../exporter/import/served-bundle.ts')
        return servedBundle(named, folder, say)
      }),
  },
  chat: {
    about: 'talk to a model in the terminal',
    load: async () => (await import('./chat.ts')).chatCommand(),
  },
  memories: {
    about: 'read and change what a running server keeps across conversations',
    load: async () => (await import('./memories.ts')).memoriesCommand(),
  },
  sessions: {
    about: 'list, read and delete the conversations that a running server has stored',
    load: async () => (await import('./sessions.ts')).sessionsCommand(),
  },
  keys: {
    about: 'make, list and take away the keys of a keys file',
    load: async () => (await import('../../server/keys-cli.ts')).keysCommand(),
  },
  train: {
    about: 'train a model from a recipe',
    load: async () => (await import('../../trainer/cli.ts')).trainCommand(),
  },
  average: {
    about: 'write the mean weights of several training runs',
    load: async () => (await import('../../trainer/cli.ts')).averageCommand(),
  },
  export: {
    about: 'turn a checkpoint into a bundle that can be served, verified',
    load: async () => (await import('../../trainer/cli.ts')).exportCommand(),
  },
  import: {
    about: 'turn a published model (a Hugging Face folder, a GGUF file) into a bundle that can be served',
    load: async () => (await import('../../exporter/import/cli.ts')).importCommand(),
  },
  bench: {
    about: 'measure a model on this machine: speed, and what the next turn of a conversation costs',
    load: async () =>
      (await import('../bench/cli.ts')).benchCommand(async (named, folder, say) => {
        const { servedBundle } = await import('../../exporter/import/served-bundle.ts')
        const { benchModel } = await import('../../server/bench-model.ts')
        const { DEFAULT_BUNDLE } = await import('../../server/cli.ts')
        return benchModel(named === undefined ? DEFAULT_BUNDLE : await servedBundle(named, folder, say), folder)
      }),
  },
  sample: {
    about: 'print text that a model goes on with',
    load: async () => (await import('../../trainer/cli.ts')).sampleCommand(),
  },
  eval: {
    about: 'measure what a model remembers',
    load: async () => (await import('../../trainer/cli.ts')).evalCommand(),
  },
  scaffold: {
    about: 'write a checkpoint as a PyTorch project',
    load: async () => (await import('../../trainer/scaffold/cli.ts')).scaffoldCommand(),
  },
  tokenizer: {
    about: 'make a tokenizer from text',
    load: async () => (await import('../../trainer/tokenizer/cli.ts')).tokenizerCommand(),
  },
  tokenize: {
    about: 'write text as token shards',
    load: async () => (await import('../../trainer/tokenizer/cli.ts')).tokenizeCommand(),
  },
}

/** Errors that say that the command was given something wrong: exit code 2. */
const WRONG_USE: ReadonlySet<string> = new Set(['ConfigError', 'UsageError'])

/** Runs a command line of the package whose folder is `root`; resolves to its exit code: 0 done, 1 failed, 2 wrong use, 130 ended by Ctrl-C. */
export async function run(line: readonly string[], root: string): Promise<number> {
  endWithReader()
  const commands = new Map(Object.entries(entries))
  const verbose = line.includes('--verbose')
  const args = line.filter((arg) => arg !== '--verbose')
  const asked = args[0] ?? ''
  const program = createProgram(root)
  for (const [name, { about }] of commands) if (name !== asked) program.command(name).description(about)
  try {
    const entry = commands.get(asked)
    if (entry) program.addCommand(quiet(await entry.load()))
    if (asked === '') program.help({ error: true })
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    const command = commands.has(asked) ? `mneme ${asked}` : 'mneme'
    return exitCodeOf(error, command, verbose, missingPackages(error, root))
  }
}

/** A reader may go away before the end (`mneme train --list | head -1`): then there is nothing left to say. */
function endWithReader(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  process.stderr.on('error', () => undefined)
}

function createProgram(root: string): Command {
  return quiet(new Command('mneme'))
    .description('a language-model server that remembers')
    .version(packageOf(root).version)
    .option('--verbose', 'print stack traces of errors; goes with every command')
    .helpCommand(false)
}

/** Errors are thrown, so that they are printed in one place. */
function quiet(command: Command): Command {
  command.exitOverride().configureOutput({ outputError: () => undefined })
  command.commands.forEach(quiet)
  return command
}

/** Prints what went wrong, in one sentence with the remedy: `known`, or that of the error. */
async function exitCodeOf(
  error: unknown,
  command: string,
  verbose: boolean,
  known: string | undefined,
): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // Help that was not asked for has been printed already.
    if (error.code !== 'commander.help') {
      const [what = '', hint = ''] = error.message
        .replace(/^error: /, '')
        .replace(/\((.*)\)$/, '$1')
        .split('\n')
      process.stderr.write(`${command}: ${what.replace(/\.$/, '')}. ${hint && `${hint} `}See ${command} --help.\n`)
    }
    return 2
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const { systemSentence } = await import('../../runtime/system-errors.ts')
  process.stderr.write(`${command}: ${known ?? systemSentence(error) ?? message}\n`)
  if (verbose) process.stderr.write(`${stack}\n`)
  return WRONG_USE.has(name) ? 2 : 1
}

interface Package {
  readonly version: string
  /** Packages that only some commands need, and that are not installed with this one. */
  readonly peerDependencies?: Readonly<Record<string, string>>
}

function packageOf(root: string): Package {
  return JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as Package
}

/** What to install for a command that found a package missing; undefined for any other error. */
function missingPackages(error: unknown, root: string): string | undefined {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException
  const missing = /package '([^']+)'/.exec(message ?? '')?.[1]
  const peers = packageOf(root).peerDependencies ?? {}
  if (code !== 'ERR_MODULE_NOT_FOUND' || missing === undefined || !(missing in peers)) return undefined
  const all = Object.entries(peers).map(([name, version]) => `${name}@${version}`)
  return `this command needs packages that serving does not. Install them: npm install ${all.join(' ')}`
}
