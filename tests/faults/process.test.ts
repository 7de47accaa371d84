import { describe, expect, onTestFinished, test } from 'vitest'
import { createClients, inspect, talkAndKill } from '../support/kill-cycle.ts'
import { startFakeServer, type ProcessOptions, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { END } from '../support/fake-model.ts'
import type { Json } from '../support/test-server.ts'

async function start(options: ProcessOptions): Promise<ServerProcess> {
  const server = await startFakeServer(options)
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

const turn = { input: 'hi', max_output_tokens: 8, mneme: { seed: 1 } }
const slow = { input: 'hi', max_output_tokens: 100, mneme: { seed: 1, logit_bias: { [END]: -100 } } }

/** One turn after `previous`. */
const ask = async (server: ServerProcess, previous: string | null): Promise<Json> =>
  (await server.post('/v1/responses', { ...turn, previous_response_id: previous })).json()

describe('a server process', () => {
  test('killed with -9 while it streams loses no acknowledged turn and leaves no half turn', async () => {
    const folder = temporaryFolder()
    const clients = createClients(4)
    for (let i = 0; i < 4; i++) await talkAndKill(folder, clients, 150 + Math.random() * 300)
    const server = await start({ flags: { data: folder } })
    expect(clients.every(({ acknowledged }) => acknowledged.length > 0)).toBe(true)
    expect(await inspect(server, clients)).toEqual({ lost: 0, half: 0 })
  })

  test('goes on with the same bytes after a restart as without one', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()]
    const before = await start({ flags: { data: folder } })
    const first = await ask(before, null)
    before.child.kill('SIGKILL')
    await before.exited
    const after = await start({ flags: { data: folder } })
    const second = await ask(after, first.id)
    const uninterrupted = await start({ flags: { data: other } })
    const same = await ask(uninterrupted, (await ask(uninterrupted, null)).id)
    expect(second.output[0].content).toEqual(same.output[0].content)
    expect([second.usage.mneme.resumed_from, same.usage.mneme.resumed_from]).toEqual(['disk', 'memory'])
    expect({ ...second.usage, mneme: null }).toEqual({ ...same.usage, mneme: null })
    expect(second.usage.input_tokens_details.cached_tokens).toBe(first.usage.total_tokens - 1)
  })

  test('refuses a data folder that another one uses, and takes it over from a dead one', async () => {
    const flags = { data: temporaryFolder() }
    const first = await start({ flags })
    await expect(startFakeServer({ flags })).rejects.toMatchObject({
      code: 1,
      message: expect.stringMatching(/^mneme: .*in use by another mneme process.*--data\.\n$/) as unknown,
    })
    first.child.kill('SIGKILL')
    await first.exited
    await start({ flags })
  })

  test('told to stop, finishes what runs, refuses what comes, and exits with 0', async () => {
    const server = await start({ flags: { data: temporaryFolder() }, environment: { FAKE_DELAY_MS: '5' } })
    const running = server.post('/v1/responses', slow)
    await new Promise((resolve) => setTimeout(resolve, 100))
    server.child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await server.post('/v1/responses', slow)).status).toBe(503)
    expect((await running).status).toBe(200)
    expect(await server.exited).toBe(0)
  })

  test('told to stop twice, stops at once', async () => {
    const server = await start({ flags: { data: temporaryFolder() }, environment: { FAKE_DELAY_MS: '50' } })
    const running = server.post('/v1/responses', { ...slow, max_output_tokens: 10_000 }).catch(() => null)
    await new Promise((resolve) => setTimeout(resolve, 100))
    server.child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 100))
    server.child.kill('SIGTERM')
    expect(await server.exited).toBe(1)
    await running
  })

  test.each([
    [{ port: 'x' }, 2, /^mneme: the command line: setting 'port'/],
    [{ colour: 'red' }, 2, /unknown setting 'colour'/],
    [{ data: '/dev/null/data' }, 1, /^mneme: \/dev\/null\/data: expected a usable data folder/],
    [{ host: '0.0.0.0' }, 2, /^mneme: host 0\.0\.0\.0 can be reached .*no API keys.*--allow-anonymous/],
    [{ keysFile: '/nowhere/keys.json' }, 2, /^mneme: \/nowhere\/keys\.json: expected a readable JSON file of keys/],
    [{ host: '203.0.113.1', allowAnonymous: true }, 1, /^mneme: cannot listen on 203\.0\.113\.1:0: .*--port/],
  ])('started wrongly (%j) ends with code %i and one sentence', async (flags, code, message) => {
    const failure = await startFakeServer({ flags: { data: temporaryFolder(), ...flags } }).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) as unknown })
    expect((failure as Error).message.trim().split('\n')).toHaveLength(1)
  })
})
