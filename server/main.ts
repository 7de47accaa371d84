/** Starts the server from the command line without the dispatcher: what the container runs. */
import { CommanderError } from 'commander'
import { serveCommand } from './cli.ts'

const WRONG_USE = 2

try {
  await serveCommand().exitOverride().parseAsync()
} catch (error) {
  // --help ends this way too, with exit code 0.
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE
}
