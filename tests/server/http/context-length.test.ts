import OpenAI, { APIError } from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { END } from '../../support/fake-model.ts'
import { startTestServer, type Json } from '../../support/test-server.ts'

/** Of the fake's chat format: a role before and an end after each message, the role of the reply. */
const AROUND = 3
const LIMIT = 100
/** A message that leaves room for `room` tokens. */
const leaving = (room: number): string => 'x'.repeat(LIMIT - AROUND - room)
const endless = { [END]: -100 }
const model = 'fake'

async function start() {
  const fed: number[] = []
  const server = await startTestServer({
    contextLength: LIMIT,
    onCall: ({ ids }) => fed.push(...ids),
  })
  const url = await server.listen()
  const client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 })
  return { ...server, url, client, fed }
}

/** What the official client throws at. */
async function refusal(request: PromiseLike<unknown>): Promise<APIError> {
  const error = await Promise.resolve(request).then(
    () => expect.fail('expected a refusal'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(APIError)
  return error as APIError
}

describe('a prompt that leaves no room for a reply', () => {
  const numbers = /maximum context length is 100 tokens.* has 100\./

  test('is refused before anything is computed, with the limit and its tokens', async () => {
    const { client, fed } = await start()
    const messages = [{ role: 'user' as const, content: leaving(0) }]
    const refused = [
      await refusal(client.chat.completions.create({ model, messages })),
      await refusal(client.responses.create({ model, input: leaving(0) })),
      await refusal(client.completions.create({ model, prompt: 'x'.repeat(LIMIT) })),
    ]
    expect(refused.map(({ status, code, param }) => [status, code, param])).toEqual([
      [400, 'context_length_exceeded', 'messages'],
      [400, 'context_length_exceeded', 'input'],
      [400, 'context_length_exceeded', 'prompt'],
    ])
    for (const { message } of refused) expect(message).toMatch(numbers)
    expect(fed).toEqual([])
  })

  test.each(['chat.completions', 'responses'] as const)('is refused as a stream of %s, too', async (kind) => {
    const { client } = await start()
    const messages = [{ role: 'user' as const, content: leaving(0) }]
    const request =
      kind === 'responses'
        ? client.responses.create({ model, input: leaving(0), stream: true })
        : client.chat.completions.create({ model, messages, stream: true })
    expect(await refusal(request)).toMatchObject({ status: 400, code: 'context_length_exceeded' })
  })

  test('is refused over a WebSocket, too', async () => {
    const { url } = await start()
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`)
    onTestFinished(() => socket.terminate())
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send(JSON.stringify({ type: 'response.create', input: leaving(0) }))
    const event: Json = JSON.parse(String(await new Promise((resolve) => socket.once('message', resolve))))
    expect(event).toMatchObject({ type: 'error', status: 400, code: 'context_length_exceeded', param: 'input' })
  })

  test('is refused where only the conversation before it makes it too long', async () => {
    const { client, fed } = await start()
    const first = await client.responses.create({ model, input: leaving(30), max_output_tokens: 10 })
    const computed = fed.length
    const error = await refusal(
      client.responses.create({ model, input: 'x'.repeat(30), previous_response_id: first.id }),
    )
    expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded' })
    expect(fed.length).toBe(computed)
    const fits = { model, input: 'x', previous_response_id: first.id, max_output_tokens: 1, logit_bias: endless }
    expect((await client.responses.create(fits)).status).toBe('incomplete')
  })
})

describe('the length of a reply', () => {
  test('is refused where it was asked for and does not fit', async () => {
    const { client, fed } = await start()
    const messages = [{ role: 'user' as const, content: leaving(20) }]
    const error = await refusal(client.chat.completions.create({ model, messages, max_tokens: 21 }))
    expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' })
    expect(error.message).toMatch(/100 tokens.* has 80 and 21 are asked for/)
    expect(fed).toEqual([])
    const { choices } = await client.chat.completions.create({ model, messages, max_tokens: 20, logit_bias: endless })
    expect(choices[0]?.finish_reason).toBe('length')
  })

  test('ends at the limit where it was not asked for', async () => {
    const { client, post } = await start()
    const messages = [{ role: 'user' as const, content: leaving(7) }]
    const chat = await client.chat.completions.create({ model, messages, logit_bias: endless })
    expect(chat).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 7 } })
    const { json } = await post('/v1/responses', { input: leaving(7), logit_bias: endless })
    expect(json).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { total_tokens: LIMIT },
    })
    const text = await client.completions.create({ model, prompt: 'x'.repeat(LIMIT - 3), logit_bias: endless })
    expect(text.usage?.completion_tokens).toBe(3)
  })
})

test('the limit is told with the model, as vLLM tells it', async () => {
  const { client, request } = await start()
  expect(await client.models.retrieve(model)).toMatchObject({ max_model_len: LIMIT })
  expect(await (await request('GET', '/version')).json()).toMatchObject({ models: [{ max_model_len: LIMIT }] })
  const unlimited = await startTestServer()
  expect(await (await unlimited.request('GET', '/v1/models/fake')).json()).toMatchObject({ max_model_len: null })
})
