/** A PostgreSQL with pgvector for tests: the binaries of the Python package pgserver, which .ci/run installs. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'

export interface TestPostgres {
  /** The URL of a new, empty database. */
  database(): Promise<string>
  /** Runs one statement in a database. */
  query(url: string, text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Ends it as a crash would, or starts it again. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/** Where its binaries are; null where the package is not installed. */
export function findPostgres(): string | null {
  const folders = (process.env['PYTHONPATH'] ?? '').split(':').filter(Boolean)
  const found = folders.map((folder) => join(folder, 'pgserver/pginstall/bin')).filter((bin) => existsSync(bin))
  return found[0] ?? null
}

/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534
const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

export async function startPostgres(bin: string): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-postgres-'))
  if (account.uid !== undefined) chownSync(folder, NOBODY, NOBODY)
  chmodSync(folder, 0o700)
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', folder, '-U', 'mneme', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    account,
  )
  if (made.status !== 0) throw new Error(`initdb: expected exit code 0, got ${made.status}: ${made.stderr.toString()}`)
  const port = await freePort()
  const urlOf = (name: string): string => `postgres://mneme@127.0.0.1:${port}/${name}`
  let child: ChildProcess | null = null
  let databases = 0
  const query: TestPostgres['query'] = async (url, text, values = []) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(text, [...values])).rows as Record<string, unknown>[]
    } finally {
      await client.end()
    }
  }
  const start = async (): Promise<void> => {
    const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200']
    const flags = settings.flatMap((setting) => ['-c', setting])
    child = spawn(join(bin, 'postgres'), ['-D', folder, '-p', String(port), ...flags], { ...account, stdio: 'ignore' })
    for (let tries = 0; ; tries++) {
      try {
        await query(urlOf('postgres'), 'SELECT 1')
        return
      } catch (error) {
        if (tries === 200) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => void child?.once('exit', () => resolve()))
    child.kill(signal)
    await ended
  }
  await start()
  return {
    query,
    start,
    // Immediate shutdown: it recovers from its log at the next start.
    kill: () => end('SIGQUIT'),
    async database() {
      const name = `t${++databases}`
      await query(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    async stop() {
      await end('SIGINT')
      rmSync(folder, { recursive: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
