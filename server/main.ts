/** Starts the server from the command line without the dispatcher: what the container runs. */
import { serveCommand } from './cli.ts'

await serveCommand().parseAsync()
