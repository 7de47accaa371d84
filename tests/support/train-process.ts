/** `mneme train` as a process of its own, for tests that kill it. */
import { trainCommand } from '../../trainer/cli.ts'

await trainCommand().parseAsync(process.argv.slice(2), { from: 'user' })
