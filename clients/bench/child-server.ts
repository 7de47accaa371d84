/** A server program as a child process on a free port. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ChildServer {
  readonly url: string
  readonly pid: number
  /** Sends the signal and resolves once the process has ended. */
  stop(signal: NodeJS.Signals): Promise<void>
}

/** A signal that ends this program ends its servers first. */
const DEADLY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Lines of a failed server's stderr that are shown. */
const LAST_LINES = 5

/**
 * Starts `program` with the arguments for a port and waits until GET /health answers 200. Throws what the program said
 * if it ends before that.
 */
export async function startChildServer(
  program: string,
  argsFor: (port: number) => string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ChildServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(program, argsFor(port), { env, stdio: ['pipe', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-10_000)))
  child.stdin.on('error', () => undefined)
  let ended: string | null = null
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => resolve(void (ended = error.message)))
    child.once('close', (code, signal) => resolve(void (ended ??= `it ended with ${signal ?? `exit code ${code}`}`)))
  })
  const release = endWithUs(child)
  void exited.then(release)
  while (!(await isReady(url))) {
    await Promise.race([exited, sleep(50)])
    if (ended !== null)
      throw new Error(`${program} could not be started: ${[ended, ...lastLines(errors)].join('\n  ')}`)
  }
  return {
    url,
    pid: child.pid as number,
    async stop(signal) {
      child.kill(signal)
      await exited
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    ({ status }) => status === 200,
    () => false,
  )
}

function lastLines(text: string): string[] {
  return text.trim().split('\n').slice(-LAST_LINES)
}

/** Ends the child with this process, also when a signal ends it. Returns what takes that back. */
function endWithUs(child: ChildProcess): () => void {
  const kill = (): void => void child.kill('SIGTERM')
  const leave = (signal: NodeJS.Signals): void => {
    kill()
    process.kill(process.pid, signal)
  }
  process.once('exit', kill)
  for (const signal of DEADLY) process.once(signal, leave)
  return () => {
    process.off('exit', kill)
    for (const signal of DEADLY) process.off(signal, leave)
  }
}
