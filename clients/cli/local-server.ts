/** A server of one's own: `mneme serve` as a child process on a free port. */
import { spawn } from 'node:child_process'

const DEADLY = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const

export interface LocalServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a server over `data` and waits until it listens. Throws what the server itself said when it could not start. */
export async function startLocalServer(data: string | undefined): Promise<LocalServer> {
  const bin = process.argv[1] as string // the command itself
  // However we end, kill -9 included, our end of its stdin is closed, and it stops
  const args = [bin, 'serve', '--port', '0', '--log-level', 'error', '--until-stdin-ends']
  if (data !== undefined) args.push('--data', data)
  // A process group of its own: Ctrl-C in the terminal cancels a reply, it does not stop the server.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // It does not outlive us, also when the terminal is closed.
  const leave = (signal: NodeJS.Signals): void => {
    child.kill('SIGTERM')
    process.kill(process.pid, signal)
  }
  for (const signal of DEADLY) process.once(signal, leave)
  let [output, errors] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const found = /listening on (\S+)\n/.exec((output += text))
      if (found?.[1]) resolve(found[1])
    })
    child.once('close', () => reject(new Error(reasonOf(errors))))
  })
  // From here on Ctrl-C is the conversation's.
  process.off('SIGINT', leave)
  return {
    url,
    async stop() {
      for (const signal of DEADLY) process.off(signal, leave)
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** What a server said before it ended; one that runs already can be talked to. */
function reasonOf(errors: string): string {
  const said = errors.trim().replace(/^mneme: /, '')
  if (said === '') return 'the server stopped before it could start'
  return said.includes('in use by another mneme process') ? `${said} To talk to that one: mneme chat --url URL.` : said
}
