/** Servers as real processes, to be killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { compiled } from './build.ts'

export interface ServerProcess {
  readonly child: ChildProcess
  readonly url: string
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>
  readonly stderr: () => string
  post(path: string, body: unknown): Promise<Response>
}

export interface ProcessOptions {
  /** Settings of the server; port 0 and a quiet log unless given. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  /** A shell command before the server's own, such as a limit. */
  readonly before?: string
  /** A command that runs that shell, such as one that gives it namespaces of its own. */
  readonly through?: readonly string[]
}

/** What a process said and how it ended, if it ended before it listened. */
export class ProcessEnded extends Error {
  override name = 'ProcessEnded' as const
  readonly code: number | string
  constructor(code: number | string, stderr: string) {
    super(stderr)
    this.code = code
  }
}

/** Starts the fake server; resolves once it listens, rejects with ProcessEnded if it ends before. */
export function startFakeServer({
  flags,
  environment = {},
  before = 'true',
  through = [],
}: ProcessOptions): Promise<ServerProcess> {
  const entry = compiled('tests/support/fake-serve.ts')
  // Replies that depend on what other conversations told are not the same in two servers.
  const all = { port: 0, logLevel: 'warn', memories: 'off', ...flags }
  const env = { ...process.env, FAKE_FLAGS: JSON.stringify(all), ...environment }
  const command = `${before}; exec "${process.execPath}" "${entry}"`
  const [program, ...args] = [...through, 'bash', '-c', command]
  return listening(spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Waits until a server process says where it listens. */
export function listening(child: ChildProcess): Promise<ServerProcess> {
  let [stdout, stderr] = ['', '']
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()))
  const exited = new Promise<number | string>((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  return new Promise((resolve, reject) => {
    void exited.then((code) => reject(new ProcessEnded(code, stderr)))
    child.stdout?.on('data', (data: Buffer) => {
      stdout += data.toString()
      const url = /mneme: listening on (http:\/\/\S+)\n/.exec(stdout)?.[1]
      if (url === undefined) return
      const headers = { 'content-type': 'application/json' }
      const post = (path: string, body: unknown): Promise<Response> =>
        fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      resolve({ child, url, exited, stderr: () => stderr, post })
    })
  })
}
