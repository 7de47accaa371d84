import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { configSchema } from '../../../server/config.ts'
import type { ModelMemory } from '../../../server/engine/model-memory.ts'
import { startServer, type ModelSource } from '../../../server/serve.ts'
import type { FakePayload } from '../../support/fake-engine-thread.ts'
import { END, KILLS_THREAD } from '../../support/fake-model.ts'
import { fakeParts, fakeSource } from '../../support/fake-source.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import type { Json } from '../../support/test-server.ts'

const MB = 1e6
/** A budget in which one of the models below has room, and no two. */
const FOR_ONE = '200MB'

interface FakeBundle extends FakePayload {
  readonly memory?: Partial<ModelMemory>
}

function sourceOf(name: string, { memory, ...payload }: FakeBundle): ModelSource {
  const { description, ...source } = fakeSource()
  return {
    ...source,
    description: { ...description, name, bundle: name.padEnd(64, '0') },
    memory: { weights: 100 * MB, idle: MB, perSequence: 1000, perPosition: 100, ...memory },
    payload,
  }
}

async function start(bundles: Record<string, FakeBundle>, settings: Json = {}) {
  const config = configSchema.parse({
    port: 0,
    data: temporaryFolder(),
    logLevel: 'silent',
    drainTimeout: 1,
    ...settings,
  })
  const sources = Object.entries(bundles).map(([name, bundle]) => sourceOf(name, bundle))
  const server = await startServer(config, { models: sources, embedders: [] }, fakeParts(config))
  onTestFinished(() => server.stop())
  const request = (path: string, body?: Json): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const get = async (path: string): Promise<Json> => (await request(path)).json()
  return {
    ...server,
    request,
    get,
    async post(path: string, body: Json): Promise<{ status: number; json: Json; retryAfter: string | null }> {
      const answer = await request(path, body)
      return { status: answer.status, json: await answer.json(), retryAfter: answer.headers.get('retry-after') }
    },
    async loaded(): Promise<string[]> {
      const { data } = await get('/v1/models')
      return data.filter((model: Json) => model.mneme.loaded).map(({ id }: Json) => id)
    },
    async metric(line: string): Promise<number> {
      const text = await (await request('/metrics')).text()
      return Number(
        text
          .split('\n')
          .find((one) => one.startsWith(`${line} `))
          ?.split(' ')[1] ?? NaN,
      )
    },
  }
}

const chat = (model: string, changes: Json = {}): Json => ({
  model,
  messages: [{ role: 'user', content: 'hi' }],
  max_tokens: 5,
  seed: 1,
  ...changes,
})
const endless = { logit_bias: { [END]: -100 } }

describe('models within a memory budget', () => {
  test('are all listed, are loaded when they are asked for, and make room for each other', async () => {
    const server = await start({ a: {}, b: {}, c: {} }, { memory: FOR_ONE })
    expect((await server.get('/v1/models')).data.map(({ id }: Json) => id)).toEqual(['a', 'b', 'c'])
    expect([await server.loaded(), (await server.request('/readyz')).status]).toEqual([['a'], 200])
    const client = new OpenAI({ apiKey: 'k', baseURL: `${server.url}/v1`, maxRetries: 0 })
    for (const model of ['b', 'c', 'a', 'a']) {
      const messages = [{ role: 'user' as const, content: 'hi' }]
      const { choices } = await client.chat.completions.create({ model, messages, max_tokens: 5 })
      expect(choices).toHaveLength(1)
      expect(await server.loaded()).toEqual([model])
    }
    expect((await server.request('/readyz')).status).toBe(200)
    const version = await server.get('/version')
    expect(version.models.map(({ name, loaded }: Json) => [name, loaded])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ])
    expect(await server.metric('mneme_model_loads_total{model="a",result="loaded"}')).toBe(2)
    expect(await server.metric('mneme_model_unloads_total{model="c"}')).toBe(1)
    expect(await server.metric('mneme_model_load_seconds_count')).toBe(4)
    expect(await server.metric('mneme_memory_budget_bytes')).toBe(200 * MB)
    expect(await server.metric('mneme_memory_bytes{kind="weights"}')).toBe(100 * MB)
    expect(await server.metric('mneme_memory_bytes{kind="state"}')).toBe(MB)
  })

  test('load as many as fit at the start, in their order, and without a budget all', async () => {
    const two = await start({ a: {}, b: {}, c: {} }, { memory: '300MB' })
    expect(await two.loaded()).toEqual(['a', 'b'])
    const all = await start({ a: {}, b: {}, c: {} })
    expect(await all.loaded()).toEqual(['a', 'b', 'c'])
  })

  test.each([
    { append: false, from: 'disk' },
    { append: true, from: 'disk' },
    { append: true, from: 'memory' },
  ])(
    'keep their conversations, which compute their new tokens only, to the same bits (a state that grows: $append, from $from)',
    async ({ append, from }) => {
      const cache = from === 'disk' ? { prefixCache: 0 } : {}
      const [small, large] = [
        await start({ a: { append }, b: { append } }, { memory: FOR_ONE, ...cache }),
        await start({ a: { append }, b: { append } }, cache),
      ]
      const converse = async (server: typeof small): Promise<Json[]> => {
        const last: Record<string, string> = {}
        const turns: Json[] = []
        for (const model of ['a', 'b', 'a', 'a', 'b', 'a', 'b']) {
          const body = {
            model,
            input: `to ${model}`,
            max_output_tokens: 6,
            mneme: { seed: 1 },
            previous_response_id: last[model],
          }
          const { status, json } = await server.post('/v1/responses', body)
          expect(status).toBe(200)
          last[model] = json.id
          turns.push({ usage: json.usage, output: json.output[0].content })
        }
        return turns
      }
      const turns = await converse(small)
      expect(turns).toEqual(await converse(large))
      for (const { usage } of turns.slice(2)) {
        expect(usage.mneme).toMatchObject({ resumed_from: from, tokens_replayed: 0 })
        expect(usage.input_tokens_details.cached_tokens).toBeGreaterThan(0)
      }
      expect(await small.metric('mneme_model_unloads_total{model="a"}')).toBeGreaterThan(2)
    },
  )

  test('are never unloaded while they compute: others wait', async () => {
    const server = await start({ a: { delayMs: 5 }, b: {} }, { memory: FOR_ONE })
    const order: string[] = []
    const ask = async (model: string, changes: Json = {}): Promise<void> => {
      expect((await server.post('/v1/chat/completions', chat(model, changes))).status).toBe(200)
      order.push(model)
    }
    const long = ask('a', { ...endless, max_tokens: 60 })
    await expect.poll(() => server.metric('mneme_num_requests_running')).toBe(1)
    const other = ask('b')
    await expect.poll(() => server.metric('mneme_num_requests_waiting')).toBe(1)
    expect(await server.loaded()).toEqual(['a'])
    await Promise.all([long, other])
    expect([order, await server.loaded()]).toEqual([['a', 'b'], ['b']])
  })

  test('are loaded while others answer', async () => {
    const server = await start({ a: {}, b: {}, c: { openMs: 2000 } }, { memory: '300MB' })
    await server.post('/v1/chat/completions', chat('b'))
    let done = false
    const loading = server.post('/v1/chat/completions', chat('c')).then((answer) => {
      done = true
      return answer
    })
    // Of a and b, a was used less recently.
    await expect.poll(() => server.loaded()).toEqual(['b'])
    expect((await server.post('/v1/chat/completions', chat('b'))).status).toBe(200)
    expect([done, (await server.request('/readyz')).status]).toEqual([false, 200])
    expect((await loading).status).toBe(200)
    expect(await server.loaded()).toEqual(['b', 'c'])
  })

  test('that cannot be loaded are a clear 503, are tried again with the next request, and cost the others nothing', async () => {
    const failWhile = join(temporaryFolder(), 'broken')
    writeFileSync(failWhile, '')
    const server = await start({ a: {}, bad: { failWhile } }, { memory: FOR_ONE })
    for (const stream of [false, true]) {
      const failed = await server.request('/v1/chat/completions', chat('bad', { stream }))
      expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '5'])
      const { error } = (await failed.json()) as Json
      expect(error.code).toBe('model_unavailable')
      expect(error.message).toMatch(/model bad could not be loaded: the fake was told to fail\. The next request/)
    }
    const response = await server.post('/v1/responses', { model: 'bad', input: 'x' })
    expect([response.status, response.json.error.code]).toEqual([503, 'model_unavailable'])
    expect((await server.post('/v1/chat/completions', chat('a'))).status).toBe(200)
    rmSync(failWhile)
    expect((await server.post('/v1/chat/completions', chat('bad'))).status).toBe(200)
    writeFileSync(failWhile, '')
    expect((await server.post('/v1/chat/completions', chat('a'))).status).toBe(200)
    const again = await server.post('/v1/chat/completions', chat('bad'))
    expect([again.status, again.json.error.code]).toEqual([503, 'model_unavailable'])
    expect(await server.metric('mneme_memory_bytes{kind="weights"}')).toBe(0)
  })

  test('come back after their thread has died, and can then make room', async () => {
    const server = await start({ a: {}, b: {} }, { memory: FOR_ONE })
    const crash = await server.post('/v1/completions', { model: 'a', prompt: KILLS_THREAD, max_tokens: 1 })
    expect([crash.status, (await server.request('/readyz')).status]).toEqual([500, 503])
    await expect.poll(async () => (await server.request('/readyz')).status, { timeout: 10_000 }).toBe(200)
    for (const model of ['a', 'b', 'a']) {
      expect((await server.post('/v1/chat/completions', chat(model))).status).toBe(200)
      expect(await server.loaded()).toEqual([model])
    }
  })

  test('whose client has gone are not loaded for it', async () => {
    const server = await start({ a: { delayMs: 5 }, b: {} }, { memory: FOR_ONE })
    const long = server.post('/v1/chat/completions', chat('a', { ...endless, max_tokens: 60 }))
    await expect.poll(() => server.metric('mneme_num_requests_running')).toBe(1)
    const gone = new AbortController()
    const body = JSON.stringify(chat('b'))
    const headers = { 'content-type': 'application/json' }
    const waiting = fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers, body, signal: gone.signal })
    await new Promise((resolve) => setTimeout(resolve, 100))
    gone.abort()
    await expect(waiting).rejects.toThrow()
    expect((await long).status).toBe(200)
    expect(await server.loaded()).toEqual(['a'])
  })
})

describe('a memory budget', () => {
  test('that is too small for a model is refused at the start, with the numbers', async () => {
    await expect(start({ a: {}, large: { memory: { weights: 500 * MB } } }, { memory: FOR_ONE })).rejects.toThrow(
      /^the model large needs 5\d{8} bytes of memory \(weights 500000000\), and --memory allows 200000000\. Allow more/,
    )
  })

  test('limits conversations to what fits beside their model, before anything is computed', async () => {
    const memory = { perPosition: 10_000 }
    const server = await start({ a: { memory, append: true } }, { memory: FOR_ONE })
    // 61.5 MB are left beside the model: 4,096 positions and no more, since memory for states doubles.
    expect((await server.get('/v1/models/a')).max_model_len).toBe(4096)
    const long = { model: 'a', prompt: 'x'.repeat(9000), max_tokens: 1 }
    const { status, json } = await server.post('/v1/completions', long)
    expect([status, json.error.code, json.error.param]).toEqual([400, 'context_length_exceeded', 'prompt'])
    const many = { model: 'a', prompt: 'x'.repeat(4000), max_tokens: 10, n: 3 }
    const refused = await server.post('/v1/completions', many)
    expect([refused.status, refused.json.error.code]).toEqual([400, 'context_length_exceeded'])
    expect(refused.json.error.message).toMatch(/3 replies of 4010 tokens each takes 12\d{7} bytes/)
    expect((await server.post('/v1/completions', { ...many, n: 1 })).status).toBe(200)
  })

  test('lets requests wait that fit, but not beside each other', async () => {
    const memory = { perPosition: 10_000 }
    const server = await start({ a: { memory, append: true, delayMs: 2 } }, { memory: FOR_ONE })
    let asked = 0
    const ask = () =>
      server.post('/v1/completions', { model: 'a', prompt: `${asked++}`.padEnd(3000, 'x'), max_tokens: 3 })
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, server.deps.models[0]!.engine.load.running)
    }, 1)
    onTestFinished(() => clearInterval(watch))
    const answers = await Promise.all([ask(), ask(), ask()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(most).toBe(1)
    expect(await server.metric('mneme_memory_bytes{kind="state"}')).toBe(MB)
  })
})
