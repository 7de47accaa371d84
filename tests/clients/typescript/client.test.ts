import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient, MnemeError, type ResponseEvent } from '../../../clients/typescript/index.ts'
import { FAKE_MODEL } from '../../support/fake-source.ts'
import { startTestServer, type TestOptions } from '../../support/test-server.ts'

const request = { input: 'hi', max_output_tokens: 8, mneme: { seed: 1 } }

async function open(options?: TestOptions, apiKey?: string) {
  const server = await startTestServer(options)
  const url = await server.listen()
  return { url, server, client: createClient({ url, apiKey, WebSocket }) }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

const textOf = (events: readonly ResponseEvent[]): string =>
  events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('')

/** The types in order; a stream may carry the same text in more or fewer deltas. */
const kindsOf = (events: readonly ResponseEvent[]): string[] =>
  events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])

function lastOf(events: readonly ResponseEvent[]) {
  const event = events.at(-1)
  if (event?.type !== 'response.completed' && event?.type !== 'response.incomplete')
    return expect.fail(`the last event is ${event?.type}`)
  return event.response
}

async function errorOf(work: Promise<unknown>): Promise<MnemeError> {
  const error: unknown = await work.then(
    () => expect.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(MnemeError)
  return error as MnemeError
}

/** Waits until the engine computes nothing. */
async function idle(server: Awaited<ReturnType<typeof startTestServer>>): Promise<void> {
  await expect.poll(() => server.deps.models[0]?.engine.load.running, { timeout: 5_000 }).toBe(0)
}

describe('the typed client', () => {
  test('gives the same reply whole, over SSE and over a WebSocket', async () => {
    const { client } = await open()
    const whole = await client.responses.create(request)
    const streamed = await all(client.responses.stream(request))
    const connection = client.responses.connect()
    const socketed = await all(connection.stream(request))
    connection.close()
    expect(textOf(streamed)).toBe(whole.output[0]?.content[0]?.text)
    expect(textOf(socketed)).toBe(textOf(streamed))
    expect(kindsOf(socketed)).toEqual(kindsOf(streamed))
    expect(textOf(streamed)).not.toBe('')
  })

  test('continues a response over one WebSocket, and the memory is not computed again', async () => {
    const { client } = await open()
    const connection = client.responses.connect()
    const first = lastOf(await all(connection.stream(request)))
    const second = lastOf(await all(connection.stream({ ...request, previous_response_id: first.id })))
    connection.close()
    expect(second.previous_response_id).toBe(first.id)
    expect(second.usage?.mneme.tokens_saved).toBeGreaterThan(0)
    expect(second.usage?.input_tokens_details.cached_tokens).toBe(second.usage?.mneme.tokens_saved)
  })

  test('retrieves and deletes what is stored', async () => {
    const { client } = await open()
    const { id } = await client.responses.create(request)
    expect((await client.responses.get(id)).id).toBe(id)
    await client.responses.delete(id)
    expect(await errorOf(client.responses.get(id))).toMatchObject({ status: 404 })
  })

  test('completes chats, whole and in chunks', async () => {
    const { client } = await open()
    const chat = {
      model: FAKE_MODEL,
      messages: [{ role: 'user', content: 'hi' }],
      max_completion_tokens: 8,
      seed: 1,
    } as const
    const whole = await client.chat.create(chat)
    const chunks = await all(client.chat.stream(chat))
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]?.message.content,
    )
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason)
  })

  test('lists models and tells the version', async () => {
    const { client } = await open()
    expect((await client.models()).map(({ id }) => id)).toEqual([FAKE_MODEL])
    expect(await client.version()).toMatchObject({ name: 'mneme', models: [{ name: FAKE_MODEL, state_bytes: 16 }] })
  })

  test('leaving a stream early cancels the reply on the server, over SSE and over a WebSocket', async () => {
    const { client, server } = await open({ delayMs: 5 })
    const long = { ...request, max_output_tokens: 4000, mneme: { seed: 1, logit_bias: { 256: -100 } } }
    const connection = client.responses.connect()
    for (const events of [client.responses.stream(long), connection.stream(long)]) {
      for await (const event of events) if (event.type === 'response.output_text.delta') break
      await idle(server)
    }
    expect((await server.deps.store.statistics()).responses).toBe(0)
    expect(lastOf(await all(connection.stream(request))).status).toMatch(/completed|incomplete/)
    connection.close()
  })

  test('a signal cancels, and its reason is what is thrown', async () => {
    const { client, server } = await open({ delayMs: 5 })
    const long = { ...request, max_output_tokens: 4000, mneme: { seed: 1, logit_bias: { 256: -100 } } }
    const connection = client.responses.connect()
    const streams = [
      (signal: AbortSignal) => client.responses.stream(long, { signal }),
      (signal: AbortSignal) => connection.stream(long, { signal }),
    ]
    for (const stream of streams) {
      const cancel = new AbortController()
      const events = stream(cancel.signal)
      await events.next()
      cancel.abort(new Error('enough'))
      await expect(all(events)).rejects.toThrow('enough')
      await idle(server)
    }
  })

  test.each([
    [
      'an unknown response',
      { previous_response_id: 'resp_x' },
      404,
      'previous_response_not_found',
      'previous_response_id',
    ],
    ['a wrong value', { temperature: 9 }, 400, undefined, 'temperature'],
    ['an unknown model', { model: 'nobody' }, 404, 'model_not_found', 'model'],
  ])('%s is one error with status, code and parameter on every transport', async (_, wrong, status, code, param) => {
    const { client } = await open()
    const connection = client.responses.connect()
    const calls = [
      () => client.responses.create({ ...request, ...wrong }),
      () => all(client.responses.stream({ ...request, ...wrong })),
      () => all(connection.stream({ ...request, ...wrong })),
    ]
    for (const call of calls) {
      const error = await errorOf(call())
      expect(error).toMatchObject({ status, param, ...(code ? { code } : {}) })
    }
    // The connection outlives the refusal.
    expect(lastOf(await all(connection.stream(request))).id).toMatch(/^resp_/)
    connection.close()
  })

  test('a key opens a server that asks for one, over HTTP and as a subprotocol', async () => {
    const { client, url } = await open({ keys: ['secret'] }, 'secret')
    await client.models()
    const connection = client.responses.connect()
    await all(connection.stream(request))
    connection.close()
    const stranger = createClient({ url, WebSocket })
    expect(await errorOf(stranger.models())).toMatchObject({ status: 401, code: 'invalid_api_key' })
    expect(await errorOf(all(stranger.responses.connect().stream(request)))).toMatchObject({
      code: 'connection_failed',
    })
  })

  test('an address may end in /v1, as other clients want it; what is no address is refused', async () => {
    const { url } = await open()
    expect(await createClient({ url: `${url}/v1/`, WebSocket }).models()).toHaveLength(1)
    for (const wrong of ['127.0.0.1:8080', '', 'ftp://x'])
      expect(() => createClient({ url: wrong })).toThrow(
        `The server's address: expected http://HOST:PORT, got '${wrong}'.`,
      )
  })

  test('a server that is not there is named', async () => {
    const client = createClient({ url: 'http://127.0.0.1:9', WebSocket })
    for (const work of [() => client.models(), () => all(client.responses.connect().stream(request))]) {
      const error = await errorOf(work())
      expect(error).toMatchObject({ status: null, code: 'connection_failed' })
      expect(error.message).toContain('http://127.0.0.1:9')
    }
  })

  test('two responses at once on one connection are refused by the client', async () => {
    const { client } = await open({ delayMs: 50 })
    const connection = client.responses.connect()
    const first = connection.stream(request)
    await first.next()
    expect(await errorOf(all(connection.stream(request)))).toMatchObject({ code: 'busy' })
    expect(lastOf(await all(first)).id).toMatch(/^resp_/)
    connection.close()
  })

  test('keeps, finds, changes and deletes memories, and embeds texts', async () => {
    const embedder = {
      name: 'e',
      bundle: 'b',
      architecture: 'bert',
      parameters: 0,
      created: 0,
      width: 2,
      maxTokens: 8,
      normalize: true,
      runtime: '',
      embed: async (inputs: readonly unknown[]) => ({
        vectors: inputs.map((input) => Float32Array.of(1, String(input).length)),
        tokens: inputs.length,
      }),
    }
    const { client } = await open({ embedders: [embedder] })
    const { data, usage } = await client.embed({ input: ['ab', 'abc'] })
    expect(data.map(({ embedding }) => embedding)).toEqual([
      [1, 2],
      [1, 3],
    ])
    expect(usage.prompt_tokens).toBe(2)
    const { memories } = client
    const told = await memories.add({ text: 'My locker code is 4071', user_id: 'ann' })
    expect(told.event).toBe('added')
    await memories.add({ text: 'I like tea', namespace: 'work & play' })
    const [found] = await memories.search({ query: 'locker code', user_id: 'ann', limit: 1 })
    expect(found).toMatchObject({ id: told.id, similarity: expect.any(Number) })
    expect((await memories.list({ namespace: 'work & play' })).data.map(({ text }) => text)).toEqual(['I like tea'])
    await memories.update(told.id, { text: 'My locker code is 9318' })
    expect((await memories.get(told.id)).text).toBe('My locker code is 9318')
    expect((await memories.history(told.id)).map(({ event }) => event)).toEqual(['added', 'updated'])
    await memories.delete(told.id)
    expect((await errorOf(memories.get(told.id))).code).toBe('memory_not_found')
    expect(await memories.deleteAll({ namespace: 'work & play' })).toBe(1)
    expect((await errorOf(memories.deleteAll({}))).message).toContain('all=true')
  })
})
