import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { describe, expect, onTestFinished, test } from 'vitest'
import { END, KILLS_THREAD } from '../../support/fake-model.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'
import { startServer } from '../../../server/serve.ts'
import { configSchema } from '../../../server/config.ts'
import { fakeParts, fakeSource } from '../../support/fake-source.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** Replies until it is cut off. */
const endless = { model: 'fake', prompt: 'x', max_tokens: 5000, logit_bias: { [END]: -100 } }

/** The value of a metric; 0 when it has none yet. */
async function metric(server: Awaited<ReturnType<typeof startTestServer>>, line: string): Promise<number> {
  const text = await (await server.request('GET', '/metrics')).text()
  return Number(
    text
      .split('\n')
      .find((one) => one.startsWith(`${line} `))
      ?.split(' ')[1] ?? 0,
  )
}

describe('under load', () => {
  test('more than the queue holds is refused at once, what was taken is finished', async () => {
    const server = await startTestServer({ rows: 1, limit: 3, delayMs: 2 })
    const ask = () => server.post('/v1/completions', { ...endless, max_tokens: 20 })
    const taken = [ask(), ask(), ask()]
    await expect.poll(() => server.deps.models[0]?.engine.load.waiting).toBe(2)
    const began = performance.now()
    const answer = await server.request('POST', '/v1/completions', endless)
    expect(performance.now() - began).toBeLessThan(100)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1'])
    expect(((await answer.json()) as Json).error).toMatchObject({ code: 'queue_full', type: 'rate_limit_error' })
    expect(await metric(server, 'mneme_num_requests_waiting')).toBe(2)
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await metric(server, 'mneme_requests_rejected_total{reason="queue_full"}')).toBe(1)
    expect((await ask()).status).toBe(200)
  })

  test('the probes answer while the engine is busy', async () => {
    const server = await startTestServer({ delayMs: 20 })
    const busy = server.post('/v1/completions', { ...endless, max_tokens: 10 })
    const began = performance.now()
    expect((await server.request('GET', '/health')).status).toBe(200)
    expect((await server.request('GET', '/metrics')).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(1000)
    await busy
  })

  test.each([true, false])(
    'a client that goes away stops its generation within a token (stream: %s)',
    async (stream) => {
      let calls = 0
      const server = await startTestServer({ delayMs: 10, onCall: () => calls++ })
      const url = await server.listen()
      const gone = new AbortController()
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ ...endless, stream })
      const answer = fetch(`${url}/v1/completions`, { method: 'POST', headers, body, signal: gone.signal }).catch(
        () => null,
      )
      await expect.poll(() => calls).toBeGreaterThan(3)
      gone.abort()
      await answer
      await expect.poll(() => server.deps.models[0]?.engine.load.running).toBe(0)
      const stopped = calls
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(calls - stopped).toBeLessThanOrEqual(1)
      expect(await metric(server, 'mneme_requests_cancelled_total')).toBe(1)
    },
  )

  test('a reader that never reads is given no more than it takes', async () => {
    const server = await startTestServer()
    const answer = await server.request('POST', '/v1/completions', { ...endless, max_tokens: 20_000, stream: true })
    const load = () => server.deps.models[0]!.engine.load
    await expect.poll(() => load().running + load().waiting, { timeout: 20_000 }).toBe(0)
    const text = await answer.text()
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    // What piled up came in few large pieces.
    expect(text.split('\n\n').length).toBeLessThan(1000)
  })
})

test('log-probabilities that nobody reads are cut off before they fill the memory', async () => {
  const server = await startTestServer()
  const messages = [{ role: 'user', content: 'x' }]
  const { logit_bias } = endless
  const body = {
    model: 'fake',
    messages,
    logit_bias,
    max_tokens: 50_000,
    logprobs: true,
    top_logprobs: 20,
    stream: true,
  }
  const answer = await server.request('POST', '/v1/chat/completions', body)
  const load = () => server.deps.models[0]!.engine.load
  await expect.poll(() => load().running + load().waiting, { timeout: 20_000 }).toBe(0)
  const text = await answer.text()
  expect(text).toContain('"code":"reader_too_slow"')
  // 100,000 log-probabilities wait, 21 for each token.
  expect(text.match(/"top_logprobs"/g)?.length).toBeLessThan(6_000)
})

describe('stopping', () => {
  test('refuses new work, says so to the probes, finishes what runs', async () => {
    const server = await startTestServer({ delayMs: 5 })
    const running = server.post('/v1/completions', { ...endless, max_tokens: 30 })
    await expect.poll(() => server.deps.models[0]?.engine.load.running).toBe(1)
    const drained = server.deps.lifecycle.drain(10_000)
    expect((await server.request('GET', '/readyz')).status).toBe(503)
    expect((await server.request('GET', '/livez')).status).toBe(200)
    const refused = await server.request('POST', '/v1/completions', endless)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await running).status).toBe(200)
    await drained
  })

  test('cuts off what has not finished in time, with an error', async () => {
    const server = await startTestServer({ delayMs: 5 })
    const answer = await server.request('POST', '/v1/completions', { ...endless, stream: true })
    await server.deps.lifecycle.drain(50)
    const blocks = (await answer.text()).trimEnd().split('\n\n')
    expect(blocks.at(-1)).toBe('data: [DONE]')
    expect(JSON.parse((blocks.at(-2) as string).slice(6))).toMatchObject({ error: { code: 'server_shutting_down' } })
  })
})

describe('metrics', () => {
  test('count what happened, with bounded labels', async () => {
    const server = await startTestServer()
    const turn = { input: 'hello', max_output_tokens: 4 }
    const { json } = await server.post('/v1/responses', turn)
    const second = await server.post('/v1/responses', { ...turn, previous_response_id: json.id })
    await server.post('/v1/responses', { ...turn, previous_response_id: json.id })
    const { usage } = second.json
    expect(await metric(server, 'mneme_prefix_cache_hits_total')).toBe(2 * usage.input_tokens_details.cached_tokens)
    expect(await metric(server, 'mneme_forks_total')).toBe(1)
    expect(await metric(server, 'mneme_sessions_parked')).toBe(1)
    expect(await metric(server, 'mneme_session_state_bytes')).toBe(16)
    expect(await metric(server, 'mneme_session_resume_seconds_count{tier="disk"}')).toBe(2)
    expect(await metric(server, 'mneme_checkpoint_seconds_count')).toBe(3)
    const text = await (await server.request('GET', '/metrics')).text()
    expect(text).not.toContain('resp_')
  })
})

describe('what failed', () => {
  /** What the server logged, by level. */
  const watchLog = (server: TestServer) => {
    const lines: { level: string; message: string }[] = []
    for (const level of ['info', 'warn', 'error', 'fatal'] as const) {
      server.deps.log[level] = (_: unknown, message?: string) => void lines.push({ level, message: String(message) })
    }
    return lines
  }

  test('does not count as a success: a turn that could not be stored', async () => {
    const server = await startTestServer({ maxPages: 64 })
    const successes = async () =>
      (await metric(server, 'mneme_request_success_total{finished_reason="length"}')) +
      (await metric(server, 'mneme_request_success_total{finished_reason="stop"}'))
    const turn = { input: 'x'.repeat(100_000), max_output_tokens: 4 }
    expect((await server.post('/v1/responses', turn)).status).toBe(507)
    expect(await successes()).toBe(0)
    expect((await server.post('/v1/responses', { ...turn, store: false })).status).toBe(200)
    expect(await successes()).toBe(1)
  })

  test.each([
    ['/v1/completions', endless],
    ['/v1/chat/completions', { ...endless, prompt: undefined, messages: [{ role: 'user', content: 'x' }] }],
    ['/v1/responses', { input: 'x', max_output_tokens: 5000, logit_bias: endless.logit_bias }],
  ])('is not logged as an error of ours when the client of %s went away', async (path, body) => {
    const server = await startTestServer({ delayMs: 5 })
    const lines = watchLog(server)
    const url = await server.listen()
    for (const stream of [true, false]) {
      const gone = new AbortController()
      const headers = { 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify({ ...body, stream }), signal: gone.signal }
      const answer = fetch(`${url}${path}`, request)
        .then((a) => a.text())
        .catch(() => null)
      await expect.poll(() => server.deps.models[0]?.engine.load.running).toBe(1)
      gone.abort()
      await answer
      await expect.poll(() => server.deps.models[0]?.engine.load.running).toBe(0)
    }
    await expect.poll(() => metric(server, 'mneme_requests_cancelled_total')).toBe(2)
    expect(lines).toEqual([])
  })
})

describe.skipIf(spawnSync('promtool', ['--version']).error !== undefined)('promtool', () => {
  test('finds nothing to say about the metrics', async () => {
    const server = await startTestServer()
    await server.post('/v1/responses', { input: 'hello', max_output_tokens: 4 })
    const input = await (await server.request('GET', '/metrics')).text()
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input })
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
  })
})

describe('an engine whose thread dies', () => {
  async function serveModels(names: readonly string[]) {
    const config = configSchema.parse({ port: 0, data: temporaryFolder(), logLevel: 'silent', drainTimeout: 1 })
    const { description, ...rest } = fakeSource()
    const sources = names.map((name) => ({ ...rest, description: { ...description, name } }))
    const server = await startServer(config, { models: sources, embedders: [] }, fakeParts(config))
    onTestFinished(() => server.stop())
    const post = (model: string, prompt: string) =>
      fetch(`${server.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, prompt, max_tokens: 3 }),
      })
    const ready = async (): Promise<number> => (await fetch(`${server.url}/readyz`)).status
    return { post, ready }
  }

  test('fails what it was doing and is started again', async () => {
    const { post, ready } = await serveModels(['fake'])
    const failed = await post('fake', KILLS_THREAD)
    expect([failed.status, ((await failed.json()) as Json).error.code]).toEqual([500, 'engine_failed'])
    expect(await ready()).toBe(503)
    expect((await post('fake', 'x')).status).toBe(503)
    await expect.poll(ready, { timeout: 10_000 }).toBe(200)
    expect((await post('fake', 'x')).status).toBe(200)
  })

  test('comes back with all the models that it runs, and those of other threads go on', async () => {
    const threads = availableParallelism()
    const names = Array.from({ length: 2 * threads + 1 }, (_, i) => `model-${i}`)
    const { post, ready } = await serveModels(names)
    const statuses = async (): Promise<number[]> =>
      Promise.all(names.map(async (name) => (await post(name, 'x')).status))
    expect(await statuses()).toEqual(names.map(() => 200))
    expect((await post('model-0', KILLS_THREAD)).status).toBe(500)
    expect(await statuses()).toEqual(names.map((_, i) => (i % threads === 0 ? 503 : 200)))
    await expect.poll(ready, { timeout: 10_000 }).toBe(200)
    expect(await statuses()).toEqual(names.map(() => 200))
  })
})
