/** What clients really send: whatever cannot change the reply is accepted, and what would is done. */
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { END } from '../../support/fake-model.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const messages = [{ role: 'user', content: 'My cat is called Otto.' }]
const chat = { model: 'fake', messages, max_tokens: 8, temperature: 0 }
const completion = { model: 'fake', prompt: 'My cat', max_tokens: 8, temperature: 0 }
const response = { model: 'fake', input: 'My cat is called Otto.', max_output_tokens: 8, temperature: 0, store: false }
const question = { role: 'user', content: 'What is my cat called?' }

const chatText = ({ json }: { json: Json }): string => json.choices[0].message.content
const completionText = ({ json }: { json: Json }): string => json.choices[0].text
const responseText = ({ json }: { json: Json }): string => json.output[0].content[0].text

test.each<[string, Json, (answer: { json: Json }) => string]>([
  ['/v1/chat/completions', chat, chatText],
  ['/v1/completions', completion, completionText],
  ['/v1/responses', response, responseText],
])('%s without a model, or with none, is answered by the first one', async (path, body, textOf) => {
  const server = await startTestServer()
  const { model, ...rest } = body
  const named = await server.post(path, body)
  for (const other of [rest, { ...rest, model: null }, { ...rest, model: '' }]) {
    const answer = await server.post(path, other)
    expect(answer.json).toMatchObject({ model })
    expect(textOf(answer)).toBe(textOf(named))
  }
})

/** Each is sent with the plain request and has to leave its reply as it is. */
const withoutEffect: Json[] = [
  { metadata: { run: 'a1' } },
  { metadata: null },
  { metadata: {} },
  { user: '' },
  { user: 'u'.repeat(2000) },
  { safety_identifier: 's' },
  { prompt_cache_key: 'session-1' },
  { prompt_cache_retention: '24h' },
  { prompt_cache_options: {} },
  { service_tier: 'flex' },
  { service_tier: null },
  { reasoning_effort: 'none' },
  { reasoning_effort: 'high' },
  { reasoning: { effort: 'low', summary: 'auto' } },
  { reasoning: { effort: null, summary: null, generate_summary: null } },
  { thinking: { type: 'disabled' } },
  { cache_prompt: true },
  { id_slot: -1 },
  { keep_alive: '5m' },
  { priority: 0 },
  { min_tokens: 0 },
  { ignore_eos: false },
  { typical_p: 1, mirostat: 0, mirostat_tau: 5, dry_multiplier: 0, dry_base: 1.75, xtc_probability: 0 },
  { use_beam_search: false, length_penalty: 1, early_stopping: false },
  { skip_special_tokens: true, spaces_between_special_tokens: true, stop_token_ids: [], bad_words: [] },
  { lora: [], samplers: [], logits_processors: null, grammar: null, guided_json: null },
  { repeat_penalty: 1, repeat_last_n: 64 },
  { top_k: 0 },
  { top_k: -1 },
  { min_p: 0 },
  { repetition_penalty: 1 },
  { frequency_penalty: 0, presence_penalty: 0 },
  { logit_bias: {} },
  { logit_bias: null },
  { stop: null },
  { stop: [] },
  { stop: '' },
  { stop: [''] },
  { stop: ['\n\n', '```', 'def ', 'class ', '<|endoftext|>', '/src/'] },
  { seed: null },
  { seed: 2 ** 63 },
  { seed: -1 },
  { mneme: {} },
  { mneme: { top_k: null, bundle: null } },
  { mneme: { bundle: 'f'.repeat(64) } },
  { temperature: 0, mneme: { temperature: 0 } },
  { stream_options: null },
]
const withoutEffectInChat: Json[] = [
  { verbosity: 'medium' },
  { verbosity: null },
  { logprobs: false, top_logprobs: 0 },
  { top_logprobs: null },
  { stream: false, stream_options: { include_usage: true } },
  { stream_options: { include_usage: null } },
  { tools: [], tool_choice: 'auto', parallel_tool_calls: true },
  { tools: [{ type: 'function', function: { name: 'clock', parameters: {} } }], tool_choice: 'none' },
  { tools: null, tool_choice: null, functions: [], function_call: 'none' },
  { chat_template_kwargs: { enable_thinking: false } },
  { chat_template_kwargs: {}, chat_template: null, documents: [] },
  { add_generation_prompt: true, continue_final_message: false, add_special_tokens: false, echo: false },
  { response_format: { type: 'text' } },
  { response_format: null },
  { modalities: ['text'], audio: null, prediction: { type: 'content', content: 'Noted.' } },
  { store: false, web_search_options: null },
  { best_of: 1, n: 1 },
  { max_completion_tokens: 8 },
  { max_tokens: null, max_completion_tokens: 8 },
  { max_tokens: -1, max_completion_tokens: 8 },
]
const withoutEffectInResponses: Json[] = [
  { include: [] },
  { include: ['reasoning.encrypted_content'] },
  { text: { verbosity: 'medium' } },
  { text: { format: { type: 'text' }, verbosity: 'medium' } },
  { text: { format: null, verbosity: null } },
  { text: {} },
  { text: null, tools: [], tool_choice: 'auto', max_tool_calls: null },
  { parallel_tool_calls: true, tools: [], truncation: 'auto', context_management: [] },
  { conversation: null, prompt: null, background: false, stream_options: { include_obfuscation: false } },
  { instructions: null },
  { instructions: '' },
  { previous_response_id: null },
  { previous_response_id: '' },
  { top_logprobs: 0 },
  { model: '' },
  { model: null },
]

async function expectSame(server: TestServer, path: string, plain: Json, extra: Json, textOf: (a: Json) => string) {
  const expected = textOf(await server.post(path, plain))
  expect(expected.length).toBeGreaterThan(0)
  const answer = await server.post(path, { ...plain, ...extra })
  expect([extra, answer.status, answer.json.error ?? null]).toEqual([extra, 200, null])
  expect([extra, textOf(answer)]).toEqual([extra, expected])
}

describe('a field that cannot change the reply', () => {
  test('is accepted and leaves it as it is', async () => {
    const server = await startTestServer()
    for (const extra of withoutEffect) {
      await expectSame(server, '/v1/chat/completions', chat, extra, chatText)
      await expectSame(server, '/v1/completions', completion, extra, completionText)
      await expectSame(server, '/v1/responses', response, extra, responseText)
    }
    for (const extra of withoutEffectInChat) await expectSame(server, '/v1/chat/completions', chat, extra, chatText)
    for (const extra of withoutEffectInResponses)
      await expectSame(server, '/v1/responses', response, extra, responseText)
    for (const extra of [{ suffix: '' }, { suffix: null }, { best_of: 1 }, { echo: false }, { logprobs: null }]) {
      await expectSame(server, '/v1/completions', completion, extra, completionText)
    }
  })

  test('is accepted in messages and their parts too', async () => {
    const server = await startTestServer()
    const decorated: Json[] = [
      { ...messages[0], name: 'Ada' },
      { ...messages[0], id: 194, opts: { visible: true } },
      { ...messages[0], tool_calls: null, function_call: null, audio: null, reasoning_content: null },
      { ...messages[0], content: [{ type: 'text', text: messages[0]?.content, cache_control: { type: 'ephemeral' } }] },
    ]
    for (const message of decorated) {
      await expectSame(server, '/v1/chat/completions', chat, { messages: [message] }, chatText)
    }
    const items: Json[] = [
      { type: 'message', ...messages[0], id: null, status: null },
      { ...messages[0], phase: 'final_answer' },
      { ...messages[0], content: [{ type: 'input_text', text: messages[0]?.content, annotations: null }] },
    ]
    for (const item of items) await expectSame(server, '/v1/responses', response, { input: [item] }, responseText)
    const thought = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' }
    await expectSame(server, '/v1/responses', response, { input: [thought, messages[0]] }, responseText)
  })

  test('is accepted over a WebSocket as over HTTP', async () => {
    const { responseCreate } = await import('../../../server/openai/responses-schema.ts')
    for (const extra of [...withoutEffect, ...withoutEffectInResponses]) {
      const result = responseCreate.safeParse({ type: 'response.create', ...response, ...extra })
      expect([extra, result.error?.issues ?? null]).toEqual([extra, null])
    }
  })
})

describe('an assistant message without content', () => {
  test('reads as empty', async () => {
    const server = await startTestServer()
    const ask = async (assistant: Json): Promise<string> =>
      chatText(await server.post('/v1/chat/completions', { ...chat, messages: [messages[0], assistant, question] }))
    const empty = await ask({ role: 'assistant', content: '' })
    expect(await ask({ role: 'assistant', content: null })).toBe(empty)
    expect(await ask({ role: 'assistant' })).toBe(empty)
    expect(await ask({ role: 'assistant', content: [] })).toBe(empty)
    expect(await ask({ role: 'assistant', content: null, refusal: 'No.' })).toBe(empty)
    expect(await ask({ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] })).toBe(empty)
    expect(await ask({ role: 'assistant', content: 'Noted.' })).not.toBe(empty)
    const respond = async (assistant: Json): Promise<string> =>
      responseText(await server.post('/v1/responses', { ...response, input: [messages[0], assistant, question] }))
    expect(await respond({ role: 'assistant', content: null })).toBe(await respond({ role: 'assistant', content: '' }))
  })
})

describe('sampling at top level', () => {
  test('takes effect as it does under mneme', async () => {
    const server = await startTestServer()
    const cases: Json[] = [
      { top_k: 1 },
      { min_p: 0.9 },
      { repetition_penalty: 5 },
      { frequency_penalty: 2, presence_penalty: 2 },
      { logit_bias: { 97: 100, [END]: -100 } },
      { stop: ['a', 'e', 'o'] },
      { seed: 9 },
    ]
    for (const given of cases) {
      for (const [path, body, textOf] of [
        ['/v1/chat/completions', { ...chat, max_tokens: 30 }, chatText],
        ['/v1/completions', { ...completion, max_tokens: 30 }, completionText],
        ['/v1/responses', { ...response, max_output_tokens: 30 }, responseText],
      ] as const) {
        const warm = { ...body, temperature: 1, seed: 3 }
        const above = textOf(await server.post(path, { ...warm, ...given }))
        const { seed, ...rest } = { ...warm, ...given }
        const inside = textOf(await server.post(path, { ...rest, mneme: { ...given, seed } }))
        expect([path, given, above]).toEqual([path, given, inside])
        expect([path, given, above]).not.toEqual([path, given, textOf(await server.post(path, warm))])
      }
    }
  })

  test('a maximum of -1 is the default', async () => {
    const server = await startTestServer()
    const bias = { logit_bias: { [END]: -100 } }
    const { json } = await server.post('/v1/chat/completions', { ...chat, ...bias, max_tokens: -1 })
    expect(json.usage.completion_tokens).toBe(32)
    const other = await server.post('/v1/completions', { ...completion, ...bias, max_tokens: -1 })
    expect(other.json.usage.completion_tokens).toBe(16)
  })
})

describe('what this server says', () => {
  test('may be sent back: a response as a request, its output as input, a chat message as a message', async () => {
    const server = await startTestServer()
    const first = await server.post('/v1/responses', { ...response, user: 'u', metadata: { a: 'b' }, store: true })
    const again = await server.post('/v1/responses', { ...first.json, input: response.input })
    expect([again.status, again.json.error]).toEqual([200, null])
    expect(responseText(again)).toBe(responseText(first))
    const echoed = await server.post('/v1/responses', {
      ...response,
      input: [messages[0], ...first.json.output, question],
    })
    expect(echoed.status).toBe(200)
    const items = await server.request('GET', `/v1/responses/${first.json.id}/input_items`)
    const listed = ((await items.json()) as Json).data
    expect((await server.post('/v1/responses', { ...response, input: listed })).status).toBe(200)
    const completed = await server.post('/v1/chat/completions', { ...chat, logprobs: true })
    const sent = [messages[0], completed.json.choices[0].message, question]
    expect((await server.post('/v1/chat/completions', { ...chat, messages: sent })).status).toBe(200)
  })

  test('an item reference reads the message that it names, of the same owner only', async () => {
    const server = await startTestServer({ keys: ['a', 'b'] })
    const [alice, bob] = [{ authorization: 'Bearer a' }, { authorization: 'Bearer b' }]
    const first = await server.post('/v1/responses', { ...response, store: true }, alice)
    const said = { role: 'assistant', content: responseText(first) }
    const reference = { type: 'item_reference', id: first.json.output[0].id }
    const ask = (input: Json, headers = alice, more: Json = {}) =>
      server.post('/v1/responses', { ...response, input, ...more }, headers)
    const whole = responseText(await ask([messages[0], said, question]))
    expect(responseText(await ask([messages[0], reference, question]))).toBe(whole)
    expect(responseText(await ask([messages[0], { id: reference.id }, question]))).toBe(whole)
    expect((await ask([messages[0], reference, question], bob)).json.error.code).toBe('item_not_found')
    // What is continued has been read already.
    const previous_response_id = first.json.id
    const continued = await ask([reference, question], alice, { previous_response_id })
    expect(continued.json.usage).toEqual((await ask([question], alice, { previous_response_id })).json.usage)
  })
})

describe('a compressed body', () => {
  const bytes = Buffer.from(JSON.stringify(chat))
  const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }

  test('is taken in what Node can unpack; other encodings are 415 with the list of those', async () => {
    const server = await startTestServer()
    const send = (body: Uint8Array, encoding: string) =>
      server.post('/v1/chat/completions', body, { 'content-encoding': encoding })
    const packed: [string, Buffer][] = [
      ['identity', bytes],
      ['gzip', gzipSync(bytes)],
      ['x-gzip', gzipSync(bytes)],
      ['GZIP', gzipSync(bytes)],
      ['deflate', deflateSync(bytes)],
      ['br', brotliCompressSync(bytes)],
      ...(zstdCompressSync ? [['zstd', zstdCompressSync(bytes)] as [string, Buffer]] : []),
    ]
    for (const [encoding, body] of packed)
      expect([encoding, (await send(body, encoding)).status]).toEqual([encoding, 200])
    const refused = await send(bytes, zstdCompressSync ? 'lzma' : 'zstd')
    expect(refused.status).toBe(415)
    expect(refused.json.error.message).toContain('gzip, x-gzip, deflate, br')
    expect((await send(bytes, 'gzip')).json.error.code).toBe('invalid_body')
    expect((await send(gzipSync(bytes), 'identity')).status).toBe(400)
  })

  test('counts against the limit unpacked, so a small bomb is refused', async () => {
    const server = await startTestServer({ limits: { bodyBytes: 10_000 } })
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
    const { status, json } = await server.post('/v1/chat/completions', bomb.subarray(0, 9_000), {
      'content-encoding': 'gzip',
    })
    expect([status, json.error.code]).toEqual([413, 'body_too_large'])
  })

  test('may be larger than 1 MiB where the limit is set higher', async () => {
    const server = await startTestServer({ limits: { bodyBytes: 3 * 1024 * 1024 } })
    const padded = { ...chat, metadata: 'x'.repeat(2 * 1024 * 1024) }
    expect((await server.post('/v1/chat/completions', padded)).status).toBe(200)
  })
})

describe('a path', () => {
  test('may have doubled and trailing slashes, and model names may contain some', async () => {
    const server = await startTestServer()
    const path = async (at: string): Promise<number> => (await server.request('GET', at)).status
    for (const at of ['/v1/models/', '/v1//models', '//v1/models/fake/', '/v1/models/fake']) {
      expect([at, await path(at)]).toEqual([at, 200])
    }
    const named = await startTestServer({ name: 'org/fake' })
    for (const at of ['/v1/models/org/fake', '/v1/models/org%2Ffake']) {
      const found = (await (await named.request('GET', at)).json()) as Json
      expect([at, found.id]).toEqual([at, 'org/fake'])
    }
  })

  test('with another method is 405 with those that it has', async () => {
    const server = await startTestServer()
    const answer = await server.request('DELETE', '/v1/models')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
    const other = await server.request('PUT', '/v1/responses/x')
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, DELETE'])
  })
})
