/** Streams: headers at once, comments meanwhile, errors that come too late for a status. */
import OpenAI, { APIError } from 'openai'
import { expect, test } from 'vitest'
import { NOT_A_NUMBER } from '../../support/fake-model.ts'
import { rawConnection } from '../../support/raw.ts'
import { startTestServer, type Json } from '../../support/test-server.ts'

const long = 'The river runs past the mill. '.repeat(200)

function post(path: string, body: object): string {
  const json = JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`
}

// Greedy: a sampled first token may be the end, and then there is no text to wait for.
const requests: [string, Json, RegExp][] = [
  ['/v1/completions', { model: 'fake', prompt: long, max_tokens: 2, temperature: 0 }, /"text":"[a-z ]/],
  [
    '/v1/chat/completions',
    { model: 'fake', messages: [{ role: 'user', content: long }], max_tokens: 2, temperature: 0 },
    /"content":"[a-z ]/,
  ],
  ['/v1/responses', { model: 'fake', input: long, max_output_tokens: 2, temperature: 0 }, /"delta":"/],
]

test('a stream sends its headers before the prompt is computed, and says how far it is', async () => {
  // Prefill takes 94 chunks of 30 ms, each time.
  const server = await startTestServer({ delayMs: 30, prefixCache: 0 })
  const url = await server.listen()
  for (const [path, body, firstText] of requests) {
    const { until } = rawConnection(url, post(path, { ...body, stream: true }))
    const head = await until('\r\n\r\n')
    expect([path, head]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 200 [\s\S]*text\/event-stream/)])
    expect(head).not.toMatch(firstText)
    const meanwhile = await until('refilled')
    expect([path, meanwhile]).toEqual([path, expect.stringMatching(/: prefilled \d+ of \d+ tokens|"prefilled":\d+/)])
    expect(meanwhile).not.toMatch(firstText)
    expect(await until('[DONE]')).toMatch(firstText)
  }
})

test('where even the prompt is not known to fit, headers and a comment come after half a second', async () => {
  const server = await startTestServer()
  const [model] = server.deps.models
  let release: (() => void) | undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const { submit } = model!.engine
  // A tokenizer with a long queue.
  model!.engine.submit = async function* (...args) {
    await held
    yield* submit(...args)
  }
  const { until } = rawConnection(await server.listen(), post('/v1/completions', { ...requests[0]?.[1], stream: true }))
  const text = await until(': ping')
  expect(text).toMatch(/^HTTP\/1\.1 200 /)
  expect(text).not.toContain('data:')
  release?.()
  expect(await until('[DONE]')).toContain('"text":"')
})

test('what is wrong with a request is an HTTP error, also of a stream', async () => {
  const server = await startTestServer()
  for (const [path, body, param] of [
    ['/v1/completions', { ...requests[0]?.[1], prompt: 'x'.repeat(140_000) }, 'prompt'],
    ['/v1/responses', { ...requests[2]?.[1], previous_response_id: 'resp_x' }, 'previous_response_id'],
    ['/v1/chat/completions', { ...requests[1]?.[1], model: 'gpt-9' }, 'model'],
  ] as const) {
    const answer = await server.request('POST', path, { ...body, stream: true })
    expect([path, answer.status, ((await answer.json()) as Json).error.param]).toEqual([
      path,
      param === 'prompt' ? 400 : 404,
      param,
    ])
  }
})

test('an error after the headers is an event that the official client throws', async () => {
  const server = await startTestServer({ delayMs: 5 })
  const client = new OpenAI({ apiKey: 'k', baseURL: `${await server.listen()}/v1`, maxRetries: 0 })
  const input = `${long}${NOT_A_NUMBER}`
  const failures = [
    async () => {
      const stream = await client.chat.completions.create({
        model: 'fake',
        messages: [{ role: 'user', content: input }],
        stream: true,
      })
      for await (const _ of stream);
    },
    async () => {
      const stream = await client.completions.create({ model: 'fake', prompt: input, stream: true })
      for await (const _ of stream);
    },
  ]
  for (const fail of failures) {
    const error = await fail().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ status: undefined, code: 'model_error' })
  }
  const stream = await client.responses.create({ model: 'fake', input, stream: true })
  const events: Json[] = []
  for await (const event of stream) events.push(event)
  expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { error: { code: 'model_error' } } })
})

test('an error before a response has begun but after the headers is an error event', async () => {
  const server = await startTestServer()
  const { find } = server.deps.store
  server.deps.store.find = async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 800))
    return find(...args)
  }
  const client = new OpenAI({ apiKey: 'k', baseURL: `${await server.listen()}/v1`, maxRetries: 0 })
  const stream = await client.responses.create({
    model: 'fake',
    input: 'x',
    previous_response_id: 'resp_x',
    stream: true,
  })
  const read = async (): Promise<void> => {
    for await (const _ of stream);
  }
  await expect(read()).rejects.toMatchObject({ code: 'previous_response_not_found' })
})

test('progress of a response is an event where it was asked for, and nothing that the official client trips over', async () => {
  const server = await startTestServer({ delayMs: 20, prefixCache: 0 })
  const client = new OpenAI({ apiKey: 'k', baseURL: `${await server.listen()}/v1` })
  // Drawn tokens may end the reply at once.
  const request = { model: 'fake', input: long, max_output_tokens: 4, temperature: 0 }
  const final = await client.responses.stream(request).finalResponse()
  expect(final.output_text.length).toBeGreaterThan(0)
  const asked = { ...request, stream: true as const, mneme: { progress: true } }
  const events: Json[] = []
  for await (const event of await client.responses.create(asked)) events.push(event)
  expect(events.find(({ type }) => type === 'mneme:progress')).toMatchObject({
    prefilled: expect.any(Number),
    total: 6003,
  })
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i))
})

test('usage comes in every chunk when asked for', async () => {
  const server = await startTestServer()
  const body = {
    ...requests[1]?.[1],
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  }
  const text = await (await server.request('POST', '/v1/chat/completions', body)).text()
  const chunks = text.match(/^data: \{.*$/gm) ?? []
  expect(chunks.length).toBeGreaterThan(2)
  for (const chunk of chunks) expect(JSON.parse(chunk.slice(6)).usage.prompt_tokens).toBeGreaterThan(0)
})
