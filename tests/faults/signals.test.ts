/** What signals do to a server process. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { END, HANGS } from '../support/fake-model.ts'
import { startFakeServer, type ProcessOptions, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'

async function start(options: Partial<ProcessOptions> = {}): Promise<ServerProcess> {
  const flags = { data: temporaryFolder(), ...options.flags }
  const server = await startFakeServer({ ...options, flags })
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

const slow = { input: 'hi', max_output_tokens: 100, mneme: { seed: 1, logit_bias: { [END]: -100 } } }

/** Whether something listens on a port of this machine. */
const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

describe('a signal', () => {
  test('SIGHUP without a keys file finishes what runs and stops: the terminal was closed', async () => {
    const server = await start({ environment: { FAKE_DELAY_MS: '5' } })
    const running = server.post('/v1/responses', slow)
    await expect.poll(async () => (await (await fetch(`${server.url}/metrics`)).text()).match(/running 1/)).toBeTruthy()
    server.child.kill('SIGHUP')
    expect((await running).status).toBe(200)
    expect(await server.exited).toBe(0)
  })

  test('SIGHUP with a keys file reads it again: a rotated key sees what the old one stored', async () => {
    const file = join(temporaryFolder(), 'keys.json')
    const entry = (name: string, key: string) => ({
      name,
      hash: createHash('sha256').update(key).digest('hex'),
      tenant: 'acme',
    })
    const write = (...keys: unknown[]): void => writeFileSync(file, JSON.stringify({ keys }))
    write(entry('old', 'key-1'))
    const server = await start({ flags: { keysFile: file } })
    const ask = (key: string, path: string, body?: unknown) =>
      fetch(`${server.url}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    const stored = (await (await ask('key-1', '/v1/responses', { input: 'hi', max_output_tokens: 4 })).json()) as {
      id: string
    }
    write(entry('old', 'key-1'), entry('new', 'key-2'))
    server.child.kill('SIGHUP')
    await expect.poll(async () => (await ask('key-2', '/v1/models')).status).toBe(200)
    write(entry('new', 'key-2'))
    server.child.kill('SIGHUP')
    await expect.poll(async () => (await ask('key-1', '/v1/models')).status).toBe(401)
    expect((await ask('key-2', `/v1/responses/${stored.id}`)).status).toBe(200)
    writeFileSync(file, '{"keys": [{}]}')
    server.child.kill('SIGHUP')
    await expect.poll(() => server.stderr()).toContain('keys stay as they were')
    expect((await ask('key-2', '/v1/models')).status).toBe(200)
  })

  test('SIGUSR1 does not open the debugger', async () => {
    const server = await start()
    server.child.kill('SIGUSR1')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(await listens(9229)).toBe(false)
    expect(server.stderr()).not.toContain('Debugger')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  })

  test('SIGTERM ends the server although a native call does not return', async () => {
    const server = await start({ flags: { drainTimeout: 0 } })
    const stuck = server.post('/v1/responses', { input: HANGS }).catch(() => null)
    await expect.poll(async () => (await (await fetch(`${server.url}/metrics`)).text()).match(/running 1/)).toBeTruthy()
    server.child.kill('SIGTERM')
    expect(await server.exited).toBe('SIGKILL')
    expect(server.stderr()).toContain('a thread did not end in time')
    await stuck
  })

  test('a second SIGTERM ends it at once, stuck or not', async () => {
    const server = await start({ flags: { drainTimeout: 3600 } })
    const stuck = server.post('/v1/responses', { input: HANGS }).catch(() => null)
    await expect.poll(async () => (await (await fetch(`${server.url}/metrics`)).text()).match(/running 1/)).toBeTruthy()
    server.child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(503)
    server.child.kill('SIGTERM')
    expect(await server.exited).toBe('SIGKILL')
    await stuck
  })

  test('SIGTERM ends the server after upgrades that were refused and never closed by their clients', async () => {
    const server = await start({ flags: { apiKeys: ['k'], drainTimeout: 1 } })
    const port = Number(new URL(server.url).port)
    for (const upgrade of ['websocket', 'h2c', 'foo']) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      onTestFinished(() => void socket.destroy())
      socket.write(
        `GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`,
      )
      await new Promise<void>((resolve) => socket.once('data', () => resolve()))
    }
    server.child.kill('SIGTERM')
    expect(await server.exited).toBe(0)
  })
})

test.skipIf(process.platform !== 'linux')('a log that cannot be written does not end the server', async () => {
  const server = await start({ flags: { logLevel: 'trace' }, before: 'exec 2>/dev/full' })
  for (let i = 0; i < 5; i++) expect((await server.post('/v1/responses', { input: 5 })).status).toBe(400)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})
