import OpenAI, { APIError } from 'openai'
import { describe, expect, test } from 'vitest'
import { scripted } from '../support/scripted-model.ts'
import { startTestServer, type TestOptions } from '../support/test-server.ts'

async function connect(options?: TestOptions) {
  const server = await startTestServer(options)
  const url = await server.listen()
  return { server, client: new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 }) }
}
const model = 'fake'

describe('the official client', () => {
  test('lists models', async () => {
    const { client } = await connect()
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toEqual([model])
    expect((await client.models.retrieve(model)).owned_by).toBe('mneme')
  })

  test('streams a chat completion to the same message that it gets whole', async () => {
    const { client } = await connect()
    const request = { model, messages: [{ role: 'user' as const, content: 'hi' }], max_tokens: 12, seed: 4 }
    const whole = await client.chat.completions.create(request)
    const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
    expect(final.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason)
    // All of the prompt but what the template writes before a reply: it was computed for the other one.
    expect(final.usage).toEqual({ ...whole.usage, prompt_tokens_details: { cached_tokens: 4 } })
  })

  test('gets n choices, log-probabilities and stops', async () => {
    const { client } = await connect()
    const messages = [{ role: 'developer' as const, content: [{ type: 'text' as const, text: 'hi' }] }]
    const { choices } = await client.chat.completions.create({
      model,
      messages,
      n: 3,
      max_tokens: 5,
      logprobs: true,
      top_logprobs: 2,
    })
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3)
    for (const { logprobs, message } of choices) {
      expect(logprobs?.content?.map(({ token }) => token).join('')).toBe(message.content)
      expect(logprobs?.content?.every(({ top_logprobs }) => top_logprobs.length === 2)).toBe(true)
    }
    const long = await client.chat.completions.create({ model, messages, max_completion_tokens: 200, seed: 1 })
    const text = long.choices[0]?.message.content as string
    const stop = text.slice(3, 5)
    const cut = await client.chat.completions.create({ model, messages, max_completion_tokens: 200, seed: 1, stop })
    expect(cut.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: text.slice(0, text.indexOf(stop)) },
    })
  })

  test('completes text, token ids and lists of both, with echo', async () => {
    const { client } = await connect()
    const ids = [...Buffer.from('abc')]
    const create = async (prompt: string | string[] | number[] | number[][]) =>
      (await client.completions.create({ model, prompt, max_tokens: 4, seed: 2, echo: true })).choices.map(
        ({ text }) => text,
      )
    const [text] = await create('abc')
    expect(text?.startsWith('abc')).toBe(true)
    expect(await create(ids)).toEqual([text])
    expect(await create(['abc', 'abc'])).toEqual([text, text])
    expect(await create([ids, ids])).toEqual([text, text])
    const stream = await client.completions.create({
      model,
      prompt: 'abc',
      max_tokens: 4,
      seed: 2,
      echo: true,
      stream: true,
    })
    let streamed = ''
    for await (const chunk of stream) streamed += chunk.choices[0]?.text ?? ''
    expect(streamed).toBe(text)
  })

  test('scores a text: echo, logprobs and no new token', async () => {
    const { client } = await connect()
    const { choices, usage } = await client.completions.create({
      model,
      prompt: 'score me',
      max_tokens: 0,
      echo: true,
      logprobs: 1,
    })
    expect(choices[0]?.text).toBe('score me')
    expect(choices[0]?.logprobs?.tokens?.join('')).toBe('score me')
    expect(choices[0]?.logprobs?.text_offset).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(choices[0]?.logprobs?.token_logprobs?.slice(1).every((value) => value < 0)).toBe(true)
    expect(usage?.completion_tokens).toBe(0)
  })

  test('says of the tokens of one character their bytes, and where it begins', async () => {
    const { client } = await connect()
    const [prompt, bytes] = ['aü😀b', [...Buffer.from('aü😀b')]]
    const { choices } = await client.completions.create({ model, prompt, max_tokens: 0, echo: true, logprobs: 0 })
    expect(choices[0]?.logprobs).toMatchObject({
      tokens: bytes.map((byte) => (byte < 128 ? String.fromCodePoint(byte) : `bytes:\\x${byte.toString(16)}`)),
      text_offset: [0, 1, 1, 2, 2, 2, 2, 4],
    })
  })

  test('holds a conversation over responses, streamed and whole, and deletes it', async () => {
    const { client } = await connect()
    const first = await client.responses.create({ model, input: 'hello', max_output_tokens: 8 })
    expect(first.output_text.length).toBeGreaterThan(0)
    const stream = client.responses.stream({
      model,
      input: 'more',
      previous_response_id: first.id,
      max_output_tokens: 8,
    })
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => (text += delta))
    const second = await stream.finalResponse()
    expect(second.output_text).toBe(text)
    expect(second.usage?.input_tokens_details.cached_tokens).toBeGreaterThan(0)
    expect((await client.responses.retrieve(second.id)).output_text).toBe(text)
    const items = []
    for await (const item of client.responses.inputItems.list(second.id)) items.push(item)
    expect(items).toMatchObject([{ role: 'user', content: [{ type: 'input_text', text: 'more' }] }])
    await client.responses.delete(first.id)
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 })
    const again = await client.responses.create({ model, input: second.output as never, max_output_tokens: 3 })
    expect(again.status).toMatch(/completed|incomplete/)
  })

  test('runs tools: calls them, sends their results and gets the answer, streamed and whole', async () => {
    const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    const { client } = await connect(scripted([`<think>\nHm.\n</think>\n\n${call}`, 'It rains.']).options)
    const asked: unknown[] = []
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const tool = {
      type: 'function' as const,
      function: {
        name: 'weather',
        description: 'Of a city.',
        parameters,
        parse: JSON.parse,
        function: async (given: object) => {
          asked.push(given)
          return 'rain'
        },
      },
    }
    const request = { model, messages: [{ role: 'user' as const, content: 'Rain?' }], tools: [tool], temperature: 0 }
    const limits = { max_tokens: 200 }
    const runner = client.chat.completions.runTools({ ...request, ...limits, stream: true })
    expect(await runner.finalContent()).toBe('It rains.')
    expect(await client.chat.completions.runTools({ ...request, ...limits }).finalContent()).toBe('It rains.')
    expect(asked).toEqual([{ city: 'Oslo' }, { city: 'Oslo' }])
  })

  test('streams the items of a response that calls a function, and goes on', async () => {
    const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    const { client } = await connect(scripted([`<think>\nHm.\n</think>\n\nI look.\n${call}`, 'It rains.']).options)
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const tools = [{ type: 'function' as const, name: 'weather', parameters, strict: false }]
    const request = { model, tools, temperature: 0, max_output_tokens: 200 }
    const stream = client.responses.stream({ ...request, input: 'Rain?' })
    const final = await stream.finalResponse()
    expect(final.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call'])
    expect(final.output_text).toBe('I look.')
    const made = final.output.find((item) => item.type === 'function_call')
    expect(made).toMatchObject({ name: 'weather', arguments: '{"city": "Oslo"}' })
    const output = { type: 'function_call_output' as const, call_id: made?.call_id ?? '', output: 'rain' }
    const next = await client.responses.create({ ...request, previous_response_id: final.id, input: [output] })
    expect(next.output_text).toBe('It rains.')
  })

  test('gets errors as its own kind, with code and param', async () => {
    const { client } = await connect({ keys: ['another'] })
    await expect(client.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
    const open = await connect()
    const failure = await open.client.responses
      .create({ model, input: 'x', tools: [{ type: 'web_search' }] })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(APIError)
    expect(failure).toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'tools[0].type' })
  })
})
