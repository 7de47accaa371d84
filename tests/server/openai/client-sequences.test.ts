/** What chat clients send over a conversation, in their shapes: what they add, send back and ask in between. */
import { expect, test } from 'vitest'
import { scripted } from '../../support/scripted-model.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

async function send(server: TestServer, body: Json): Promise<Json> {
  const answer = await server.request('POST', '/v1/chat/completions', body)
  const text = await answer.text()
  expect([answer.status, body.stream === true ? null : JSON.parse(text).error]).toEqual([
    200,
    body.stream ? null : undefined,
  ])
  if (body.stream !== true) return JSON.parse(text).choices[0].message
  const chunks = text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line): Json => JSON.parse(line.slice(6)))
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }: Json) => delta))
  const join = (key: string): string => deltas.map((delta: Json) => delta[key] ?? '').join('')
  const calls: Json[] = []
  for (const { index, id, function: made } of deltas.flatMap((delta: Json) => delta.tool_calls ?? [])) {
    if (id) calls[index] = { id, type: 'function', function: { name: made.name, arguments: '' } }
    calls[index].function.arguments += made.arguments
  }
  return { content: join('content'), reasoning: join('reasoning_content'), calls }
}

test('a coding agent resends everything with its calls, their results and its reasoning', async () => {
  const read = '<tool_call>\n{"name": "read", "arguments": {"filePath": "/a.ts"}}\n</tool_call>'
  const edit =
    '<tool_call>\n{"name": "edit", "arguments": {"filePath": "/a.ts", "oldString": "1", "newString": "2"}}\n</tool_call>'
  const { options, prompts } = scripted([
    `<think>\nLook.\n</think>\n\nI read it.\n${read}\n${read}`,
    `<think>\nEdit.\n</think>\n\n${edit}`,
    'Done.',
  ])
  const server = await startTestServer(options)
  const text = { type: 'string' }
  const tool = (name: string, properties: Json) => ({
    type: 'function',
    function: {
      name,
      description: `${name}s a file`,
      parameters: {
        type: 'object',
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
        $schema: 'http://json-schema.org/draft-07/schema#',
      },
    },
  })
  const tools = [tool('read', { filePath: text }), tool('edit', { filePath: text, oldString: text, newString: text })]
  const base = {
    model: 'fake',
    max_tokens: 600,
    temperature: 0,
    top_p: 1,
    tools,
    tool_choice: 'auto',
    stream: true,
    stream_options: { include_usage: true },
  }
  const messages: Json[] = [
    { role: 'system', content: 'You are an agent.' },
    { role: 'user', content: [{ type: 'text', text: 'Change 1 to 2.' }] },
  ]
  for (const expected of [2, 1, 0]) {
    const { content, reasoning, calls } = await send(server, { ...base, messages })
    expect(calls).toHaveLength(expected)
    messages.push({
      role: 'assistant',
      content,
      reasoning_content: reasoning,
      ...(expected > 0 && { tool_calls: calls }),
    })
    for (const { id, function: made } of calls)
      messages.push({ role: 'tool', tool_call_id: id, content: `result of ${made.name}` })
  }
  expect(messages.at(-1).content).toBe('Done.')
  // What follows the user's message is kept with its reasoning, so each prompt begins with the one before it.
  expect(prompts).toHaveLength(3)
  expect(prompts[1]?.startsWith(`${prompts[0]}<think>\nLook.\n</think>\n\nI read it.\n${read}`)).toBe(true)
  expect(prompts[2]?.startsWith(prompts[1] as string)).toBe(true)
})

test('a chat page asks for titles and tags in between, and sends reasoning back within the content', async () => {
  const { options, prompts } = scripted(['<think>\nHm.\n</think>\n\nParis.', 'Rome.'])
  const server = await startTestServer(options)
  const question = { role: 'user', content: 'Capital of France?' }
  const { content, reasoning } = await send(server, {
    model: 'fake',
    stream: true,
    messages: [question],
    temperature: 0,
  })
  expect([content, reasoning]).toEqual(['Paris.', 'Hm.'])
  for (const task of ['Give a title with an emoji.', 'Give 1-3 tags as JSON.']) {
    const history = `### Task:\n${task}\n### Chat History:\n<chat_history>\nUSER: ${question.content}\nASSISTANT: ${content}\n</chat_history>`
    const body = {
      model: 'fake',
      messages: [{ role: 'user', content: history }],
      stream: false,
      max_completion_tokens: 1000,
      metadata: { task: 'title_generation' },
    }
    expect((await send(server, body)).content).toBe('Paris.')
  }
  const back = { role: 'assistant', content: `<think>\n${reasoning}\n</think>\n${content}` }
  const next = { role: 'user', content: 'And of Italy?' }
  const answer = await send(server, { model: 'fake', stream: true, messages: [question, back, next], temperature: 0 })
  expect(answer.content).toBe('Rome.')
  expect(prompts.at(-1)).toBe(
    '<|im_start|>user\nCapital of France?<|im_end|>\n<|im_start|>assistant\nParis.<|im_end|>\n' +
      '<|im_start|>user\nAnd of Italy?<|im_end|>\n<|im_start|>assistant\n',
  )
})

test('a role-playing client sends all its sampling, several system messages, and asks again for the last reply', async () => {
  const { options, prompts } = scripted(['Hello, I am Otto.', '<think>\nSing.\n</think>\n\nLa la.'])
  const server = await startTestServer(options)
  const base = {
    model: 'fake',
    temperature: 0,
    frequency_penalty: 0,
    presence_penalty: 0,
    repetition_penalty: 1,
    top_p: 1,
    top_k: 0,
    min_p: 0,
    top_a: 0,
    max_tokens: 300,
    stop: [],
    logit_bias: {},
    stream: true,
    include_reasoning: true,
    reasoning_effort: 'medium',
    seed: 7,
  }
  const messages = [
    { role: 'system', content: "Write Otto's next reply." },
    { role: 'system', content: '[Start a new Chat]' },
    { role: 'user', content: 'Who are you?', name: 'Ada' },
    { role: 'assistant', content: 'Hello, I am Otto.', name: 'Otto' },
    { role: 'user', content: 'Sing!', name: 'Ada' },
    { role: 'system', content: '[Stay in character.]' },
  ]
  const first = await send(server, { ...base, messages })
  const second = await send(server, { ...base, messages })
  expect(first).toEqual({ content: 'La la.', reasoning: 'Sing.', calls: [] })
  expect(second).toEqual(first)
  expect(prompts[1]).toBe(prompts[0])
})
