/** Tools and reasoning over HTTP and WebSocket, with a model that gives prepared replies. */
import { describe, expect, test } from 'vitest'
import { HERMES_TEMPLATE } from '../../support/chat-templates.ts'
import { scripted } from '../../support/scripted-model.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city'],
}
const weather = { type: 'function', function: { name: 'weather', description: 'Of a city.', parameters } }
const clock = { type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } }
const responseTools = [weather, clock].map(({ type, function: f }) => ({ type, ...f }))
const CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>'
const CLOCK = '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>'
const question = { role: 'user', content: 'How is the weather?' }
const chat = { model: 'fake', messages: [question], tools: [weather, clock], temperature: 0, max_tokens: 400 }
const response = { input: 'How is the weather?', tools: responseTools, temperature: 0, max_output_tokens: 400 }

async function ask(server: TestServer, body: Json): Promise<Json> {
  const { status, json } = await server.post('/v1/chat/completions', body)
  expect([status, json.error]).toEqual([200, undefined])
  return json.choices[0]
}

async function respond(server: TestServer, body: Json): Promise<Json> {
  const { status, json } = await server.post('/v1/responses', body)
  expect([status, json.error ?? null]).toEqual([200, null])
  return json
}

async function events(server: TestServer, path: string, body: Json): Promise<Json[]> {
  const answer = await server.request('POST', path, { ...body, stream: true })
  const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice(6)))
}

describe('a chat completion', () => {
  test('gives calls, with text and reasoning beside them', async () => {
    const { options, prompts } = scripted([`<think>\nHm.\n</think>\n\nI look.\n${CALL}\n${CLOCK}`])
    const choice = await ask(await startTestServer(options), chat)
    expect(choice.finish_reason).toBe('tool_calls')
    expect(choice.message).toMatchObject({ content: 'I look.', reasoning_content: 'Hm.' })
    expect(choice.message.tool_calls).toEqual([
      {
        id: expect.stringMatching(/^call_/),
        type: 'function',
        function: { name: 'weather', arguments: '{"city": "Oslo", "days": 2}' },
      },
      { id: expect.stringMatching(/^call_/), type: 'function', function: { name: 'clock', arguments: '{}' } },
    ])
    expect(prompts[0]).toContain('{"type": "function", "function": {"name": "weather", "description": "Of a city."')
  })

  test('streams the same message, and counts reasoning', async () => {
    const { options } = scripted([`<think>\nHm.\n</think>\n\nI look.\n${CALL}\n${CLOCK}`])
    const server = await startTestServer(options)
    const chunks = await events(server, '/v1/chat/completions', { ...chat, stream_options: { include_usage: true } })
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }: Json) => delta))
    const join = (key: string): string => deltas.map((delta: Json) => delta[key] ?? '').join('')
    expect([join('content'), join('reasoning_content')]).toEqual(['I look.', 'Hm.'])
    const calls = deltas.flatMap((delta: Json) => delta.tool_calls ?? [])
    expect(calls.filter(({ id }: Json) => id).map(({ index, function: f }: Json) => [index, f.name])).toEqual([
      [0, 'weather'],
      [1, 'clock'],
    ])
    const first = calls.filter(({ index }: Json) => index === 0).map((one: Json) => one.function.arguments)
    expect(first.join('')).toBe('{"city": "Oslo", "days": 2}')
    expect(chunks.flatMap(({ choices }) => choices).at(-1).finish_reason).toBe('tool_calls')
    // "\nHm.\n" between the delimiters
    expect(chunks.at(-1).usage.completion_tokens_details.reasoning_tokens).toBe(5)
  })

  test('reads calls, their results and reasoning again as the template says', async () => {
    const { options, prompts } = scripted(['', 'It rains.'])
    const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }
    const thoughts: Json[] = [
      { reasoning_content: 'Hm.' },
      { reasoning: 'Hm.' },
      { reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }] },
      { content: [{ type: 'thinking', thinking: 'Hm.', signature: 'x' }] },
      { content: '<think>\nHm.\n</think>\n\n' },
    ]
    const server = await startTestServer(options)
    for (const thought of thoughts) {
      const assistant = { role: 'assistant', content: null, tool_calls: [call], ...thought }
      const tool = { role: 'tool', tool_call_id: 'call_1', content: 'rain <|im_end|>' }
      expect((await ask(server, { ...chat, messages: [question, assistant, tool] })).message.content).toBe('It rains.')
      expect(prompts.at(-1)).toContain(
        '<|im_start|>assistant\n<think>\nHm.\n</think>\n\n\n<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>\n' +
          '<|im_start|>user\n<tool_response>\nrain <|im_end|>\n</tool_response><|im_end|>',
      )
    }
  })

  test.each([
    [
      'an unknown function',
      '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>',
      'f',
      "there is no function 'f'",
    ],
    ['what is no JSON', '<tool_call>\nweather(Oslo)\n</tool_call>', null, 'it is no call in the format hermes'],
    ['arguments that do not fit', CALL.replace('"Oslo"', '7'), 'weather', "'city': expected string, got integer"],
    [
      'arguments that lack one',
      CALL.replace('"city"', '"town"'),
      'weather',
      "the arguments: expected the property 'city'",
    ],
  ])('gives a call of %s as text, and says why', async (_, reply, name, reason) => {
    const { options } = scripted([reply])
    const server = await startTestServer(options)
    const choice = await ask(server, chat)
    expect(choice).toMatchObject({
      finish_reason: 'stop',
      message: { content: reply },
      mneme: { rejected_calls: [{ name, reason }] },
    })
    expect(choice.message.tool_calls).toBeUndefined()
    const json = await respond(server, response)
    expect(json.output).toMatchObject([{ type: 'message', content: [{ text: reply }] }])
    expect(json.mneme.rejected_calls).toEqual([{ name, reason }])
  })

  test('is told of no tool with tool_choice none, and its calls are text', async () => {
    const { options, prompts } = scripted([`So ${CALL}`])
    const choice = await ask(await startTestServer(options), { ...chat, tool_choice: 'none' })
    expect(choice).toMatchObject({ finish_reason: 'stop' })
    expect(choice.message.tool_calls).toBeUndefined()
    expect(prompts[0]).not.toContain('weather"')
  })

  test.each([
    ['required', 'required', '<tool_call>\n{"name": "', 'weather", "arguments": {"city": "Oslo"}}\n</tool_call>'],
    [
      'a function',
      { type: 'function', function: { name: 'weather' } },
      '<tool_call>\n{"name": "weather", "arguments": ',
      '{"city": "Oslo"}}\n</tool_call>',
    ],
  ])('begins with a call where tool_choice is %s', async (_, tool_choice, opening, rest) => {
    const { options, prompts } = scripted([rest], opening)
    const choice = await ask(await startTestServer(options), { ...chat, tool_choice })
    expect(prompts[0]?.endsWith(opening)).toBe(true)
    expect(choice.message).toMatchObject({
      content: null,
      tool_calls: [{ function: { name: 'weather', arguments: '{"city": "Oslo"}' } }],
    })
  })

  test('that had to call and did not says so', async () => {
    const opening = '<tool_call>\n{"name": "'
    const { options } = scripted(['I cannot.'], opening)
    const choice = await ask(await startTestServer(options), { ...chat, tool_choice: 'required' })
    expect(choice).toMatchObject({
      finish_reason: 'stop',
      message: { content: `${opening}I cannot.` },
      mneme: { rejected_calls: [{ name: null }] },
    })
  })

  test('ends with its first call without parallel calls', async () => {
    const { options } = scripted([`${CALL}\n${CLOCK}`])
    const { json } = await (
      await startTestServer(options)
    ).post('/v1/chat/completions', { ...chat, parallel_tool_calls: false })
    expect(json.choices[0].message.tool_calls).toHaveLength(1)
    expect(json.usage.completion_tokens).toBeLessThan(CALL.length)
  })

  test('thinks or does not as it is asked', async () => {
    const { options, prompts } = scripted(['Yes.'], '<think>\n\n</think>\n\n')
    const server = await startTestServer(options)
    const off: Json[] = [
      { reasoning_effort: 'none' },
      { reasoning: { effort: 'minimal' } },
      { enable_thinking: false },
      { thinking: { type: 'disabled' } },
      { chat_template_kwargs: { enable_thinking: false } },
    ]
    for (const fields of off) {
      await ask(server, { ...chat, ...fields })
      expect([fields, prompts.at(-1)?.endsWith('<think>\n\n</think>\n\n')]).toEqual([fields, true])
    }
    for (const fields of [{}, { reasoning_effort: 'high' }, { enable_thinking: true }]) {
      await ask(server, { ...chat, ...fields })
      expect([fields, prompts.at(-1)?.endsWith('<|im_start|>assistant\n')]).toEqual([fields, true])
    }
  })

  test('begins in the reasoning that its template has begun, or after it where a call is asked for', async () => {
    const template = HERMES_TEMPLATE.replace(
      "{{- '<|im_start|>assistant\\n' }}\n    {%- if enable",
      "{{- '<|im_start|>assistant\\n<think>\\n' }}\n    {%- if enable",
    )
    const thinking = scripted(['Hm.\n</think>\n\nYes.'], '<think>\n', template)
    const choice = await ask(await startTestServer(thinking.options), chat)
    expect(choice.message).toMatchObject({ content: 'Yes.', reasoning_content: 'Hm.' })
    const opening = '<think>\n\n</think>\n\n<tool_call>\n{"name": "clock", "arguments": '
    const forced = scripted(['{}}\n</tool_call>'], opening, template)
    const tool_choice = { type: 'function', function: { name: 'clock' } }
    const { message } = await ask(await startTestServer(forced.options), { ...chat, tool_choice })
    expect(message).toMatchObject({ tool_calls: [{ function: { name: 'clock', arguments: '{}' } }] })
  })

  test('does not send its reasoning where that is not wanted', async () => {
    const { options } = scripted(['<think>\nHm.\n</think>\n\nYes.'])
    const { message } = await ask(await startTestServer(options), { ...chat, include_reasoning: false })
    expect(message).toEqual({ role: 'assistant', content: 'Yes.', refusal: null, annotations: [] })
  })

  test('refuses tools that are none, two of one name, and a function that is not among them', async () => {
    const server = await startTestServer(scripted(['']).options)
    const cases: [Json, string][] = [
      [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
      [{ tools: [weather, weather] }, 'tools'],
      [{ tool_choice: { type: 'function', function: { name: 'f' } } }, 'tool_choice'],
      [{ tools: [], tool_choice: 'required' }, 'tool_choice'],
      [{ chat_template_kwargs: { messages: [] } }, 'messages'],
    ]
    for (const [fields, param] of cases) {
      const { status, json } = await server.post('/v1/chat/completions', { ...chat, ...fields })
      expect([fields, status, json.error.param]).toEqual([fields, 400, param])
    }
  })
})

describe('a response', () => {
  test('has items of reasoning, text and calls, and goes on with what the function returned', async () => {
    const { options, prompts } = scripted([`<think>\nHm.\n</think>\n\nI look.\n${CALL}`, 'It rains.'])
    const server = await startTestServer(options)
    const first = await respond(server, response)
    expect(first.output).toMatchObject([
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'I look.' }] },
      { type: 'function_call', name: 'weather', arguments: '{"city": "Oslo", "days": 2}', status: 'completed' },
    ])
    expect(first.usage.output_tokens_details.reasoning_tokens).toBe(5)
    const result = { type: 'function_call_output', call_id: first.output[2].call_id, output: 'rain' }
    const next = { ...response, previous_response_id: first.id, input: [result] }
    const second = await respond(server, next)
    expect(second.output).toMatchObject([{ type: 'message', content: [{ text: 'It rains.' }] }])
    expect(prompts.at(-1)).toMatch(
      /<\/tool_call><\|im_end\|>\n<\|im_start\|>user\n<tool_response>\nrain\n<\/tool_response><\|im_end\|>\n<\|im_start\|>assistant\n$/,
    )
    expect(second.usage.input_tokens_details.cached_tokens).toBeGreaterThan(first.usage.input_tokens)
  })

  test('reads its own items again, as the chat reads its messages', async () => {
    const { options, prompts } = scripted([`<think>\nHm.\n</think>\n\nI look.\n${CALL}`, 'It rains.'])
    const server = await startTestServer(options)
    const first = await respond(server, response)
    const call = first.output[2]
    const output = {
      type: 'function_call_output',
      call_id: call.call_id,
      output: [{ type: 'input_text', text: 'rain' }],
    }
    const user = { role: 'user', content: response.input }
    await respond(server, { ...response, input: [user, ...first.output, output] })
    const byItems = prompts.at(-1)
    expect(byItems).toContain('<think>\nHm.\n</think>\n\nI look.\n<tool_call>')
    const assistant = {
      role: 'assistant',
      content: 'I look.',
      reasoning_content: 'Hm.',
      tool_calls: [{ id: call.call_id, type: 'function', function: { name: call.name, arguments: call.arguments } }],
    }
    await ask(server, {
      ...chat,
      messages: [user, assistant, { role: 'tool', tool_call_id: call.call_id, content: 'rain' }],
    })
    expect(prompts.at(-1)).toBe(byItems)
    const references = first.output.map(({ id }: Json) => ({ type: 'item_reference', id }))
    await respond(server, { ...response, input: [user, ...references, output] })
    expect(prompts.at(-1)).toBe(byItems)
  })

  test('streams events that make the same response', async () => {
    const { options } = scripted([`<think>\nHm.\n</think>\n\nI look.\n${CALL}`])
    const server = await startTestServer(options)
    const frames = await events(server, '/v1/responses', response)
    expect(frames.map(({ sequence_number }) => sequence_number)).toEqual(frames.map((_, at) => at))
    const last = frames.at(-1)
    expect(last.type).toBe('response.completed')
    const done = frames.filter(({ type }) => type === 'response.output_item.done')
    expect(done.map(({ item }) => item)).toEqual(last.response.output)
    expect(done.map(({ output_index }) => output_index)).toEqual([0, 1, 2])
    const joined = (type: string): string =>
      frames
        .filter((frame) => frame.type === type)
        .map(({ delta }) => delta)
        .join('')
    expect(joined('response.reasoning_text.delta')).toBe('Hm.')
    expect(joined('response.output_text.delta')).toBe('I look.')
    expect(joined('response.function_call_arguments.delta')).toBe('{"city": "Oslo", "days": 2}')
    const types = new Set(frames.map(({ type }) => type))
    for (const type of [
      'reasoning_text.done',
      'function_call_arguments.done',
      'content_part.added',
      'content_part.done',
    ])
      expect(types).toContain(`response.${type}`)
  })

  test('says its tools and options, which may be sent back', async () => {
    const { options } = scripted(['Yes.'])
    const server = await startTestServer(options)
    const tool_choice = { type: 'function', name: 'weather' }
    const fields = { parallel_tool_calls: false, reasoning: { effort: 'low', summary: 'auto' }, tool_choice }
    const json = await respond(server, { ...response, ...fields })
    expect(json).toMatchObject({ parallel_tool_calls: false, reasoning: { effort: 'low' }, tool_choice })
    expect(json.tools.map(({ name }: Json) => name)).toEqual(['weather', 'clock'])
    await respond(server, { ...json, input: 'Again.', stream: false })
  })
})

test('the formats of a model are told with it', async () => {
  const server = await startTestServer(scripted(['']).options)
  const { data } = (await (await server.request('GET', '/v1/models')).json()) as Json
  expect(data[0].mneme).toMatchObject({ tool_format: 'hermes', reasoning_format: '<think>...</think>' })
})
