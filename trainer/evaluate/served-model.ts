/** The server that a suite asks: one that runs, or one that is started for it. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerClient, ServerError } from './server-client.ts'
import type { CommonFlags } from './suite.ts'

/**
 * Calls `measure` with the server at `url`, or with one that serves `model` (what `mneme serve` takes; the bundled model
 * where there is none) over a data folder of its own, which is deleted afterwards. Throws ServerError where it does not start.
 */
export async function withServer<T>(
  { url, model, apiKey }: CommonFlags,
  measure: (client: ServerClient) => Promise<T>,
): Promise<T> {
  if (url !== undefined) return measure(new ServerClient(url, model, apiKey))
  const data = await mkdtemp(join(tmpdir(), 'mneme-eval-'))
  try {
    const server = await startServer(model, data)
    try {
      return await measure(new ServerClient(server.url))
    } finally {
      await server.stop()
    }
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

interface StartedServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts this same command as a server, which ends when our end of its stdin does, however we end. */
async function startServer(model: string | undefined, data: string): Promise<StartedServer> {
  const program = process.argv[1] as string
  const named = model === undefined ? [] : [model]
  const args = [...process.execArgv, program, 'serve', ...named, '--port', '0', '--data', data]
  const child = spawn(process.execPath, [...args, '--log-level', 'error', '--until-stdin-ends'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let [output, errors] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-10_000)))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const found = /listening on (\S+)\n/.exec((output += text))
      if (found?.[1] !== undefined) resolve(found[1])
    })
    child.once('error', reject)
    void exited.then(() =>
      reject(new ServerError(errors.trim().replace(/^mneme[^:]*: /, '') || 'the server stopped before it could start')),
    )
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
