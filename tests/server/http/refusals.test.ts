import { describe, expect, test } from 'vitest'
import { NOT_A_NUMBER, REFUSED, THROWS } from '../../support/fake-model.ts'
import { startTestServer } from '../../support/test-server.ts'

const chat = { model: 'fake', messages: [{ role: 'user', content: 'hi' }] }
const completion = { model: 'fake', prompt: 'hi' }
const response = { model: 'fake', input: 'hi' }
const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** Path, body, status, code, param. */
const refused: [string, unknown, number, string, string | null][] = [
  // The body as such.
  ['/v1/responses', '{"input": ', 400, 'invalid_json', null],
  ['/v1/responses', 'null', 400, 'invalid_value', null],
  ['/v1/responses', '[]', 400, 'invalid_value', null],
  ['/v1/responses', '"text"', 400, 'invalid_value', null],
  ['/v1/responses', deep(10_000), 400, 'invalid_json', null],
  ['/v1/responses', `{"input":${deep(40)}}`, 400, 'invalid_json', null],
  ['/v1/responses', Uint8Array.of(0x22, 0xff, 0x22), 400, 'invalid_utf8', null],
  ['/v1/responses', '{"__proto__": {"a": 1}, "input": "x"}', 400, 'unknown_parameter', '__proto__'],
  ['/v1/responses', '{"constructor": 1, "input": "x"}', 400, 'unknown_parameter', 'constructor'],
  ['/v1/responses', '{"input": "\\ud800"}', 400, 'invalid_unicode', 'input'],
  ['/v1/responses', JSON.stringify({ input: 'x'.repeat(1024 * 1024) }), 413, 'body_too_large', null],
  // Unknown parameters, also inside.
  ['/v1/responses', { ...response, mneme: { top_q: 5 } }, 400, 'unknown_parameter', 'mneme.top_q'],
  ['/v1/chat/completions', { ...chat, colour: 1 }, 400, 'unknown_parameter', 'colour'],
  ['/v1/completions', { ...completion, messages: [] }, 400, 'unknown_parameter', 'messages'],
  // Known ones that are not supported.
  ['/v1/responses', { ...response, tools: [{ type: 'function', name: 'f' }] }, 400, 'unsupported_parameter', 'tools'],
  ['/v1/responses', { ...response, tools: [{ type: 'mcp' }] }, 400, 'unsupported_parameter', 'tools[0].type'],
  [
    '/v1/responses',
    { input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] },
    400,
    'unsupported_parameter',
    'input[0].type',
  ],
  ['/v1/responses', { ...response, background: true }, 400, 'unsupported_parameter', 'background'],
  ['/v1/responses', { ...response, conversation: 'conv_1' }, 404, 'not_found', 'conversation'],
  [
    '/v1/responses',
    { ...response, text: { format: { type: 'json_object' } } },
    400,
    'unsupported_parameter',
    'text.format',
  ],
  [
    '/v1/chat/completions',
    { ...chat, response_format: { type: 'json_object' } },
    400,
    'unsupported_parameter',
    'response_format',
  ],
  ['/v1/chat/completions', { ...chat, chat_template: '{{' }, 400, 'unsupported_parameter', 'chat_template'],
  ['/v1/chat/completions', { ...chat, best_of: 2 }, 400, 'unsupported_parameter', 'best_of'],
  ['/v1/completions', { ...completion, suffix: 'x' }, 400, 'unsupported_parameter', 'suffix'],
  ['/v1/completions', { ...completion, best_of: 3, n: 1 }, 400, 'unsupported_parameter', 'best_of'],
  // Wrong types and ranges.
  ['/v1/responses', {}, 400, 'missing_parameter', 'input'],
  ['/v1/chat/completions', { model: 'fake' }, 400, 'missing_parameter', 'messages'],
  ['/v1/completions', { model: 'fake' }, 400, 'missing_parameter', 'prompt'],
  ['/v1/responses', { ...response, max_output_tokens: 0 }, 400, 'invalid_value', 'max_output_tokens'],
  ['/v1/responses', { ...response, max_output_tokens: 1e12 }, 400, 'context_length_exceeded', 'max_output_tokens'],
  ['/v1/responses', { ...response, max_output_tokens: 1.5 }, 400, 'invalid_value', 'max_output_tokens'],
  ['/v1/responses', { ...response, max_output_tokens: '5' }, 400, 'invalid_value', 'max_output_tokens'],
  ['/v1/responses', { ...response, temperature: 1e308 }, 400, 'invalid_value', 'temperature'],
  ['/v1/responses', '{"input":"x","temperature":1e999}', 400, 'invalid_value', 'temperature'],
  ['/v1/responses', { input: [{ role: 'tool', content: 'x' }] }, 400, 'invalid_value', 'input[0].role'],
  [
    '/v1/responses',
    { input: [{ role: 'user', content: [{ type: 'input_image' }] }] },
    400,
    'invalid_value',
    'input[0].content[0].type',
  ],
  ['/v1/responses', { ...response, mneme: { stop: [], seed: 1.5 } }, 400, 'invalid_value', 'mneme.seed'],
  ['/v1/chat/completions', { model: 'fake', messages: [] }, 400, 'invalid_value', 'messages'],
  ['/v1/chat/completions', { ...chat, n: 1_000_000 }, 400, 'invalid_value', 'n'],
  ['/v1/chat/completions', { ...chat, top_p: -0.1 }, 400, 'invalid_value', 'top_p'],
  ['/v1/chat/completions', { ...chat, top_logprobs: 2 }, 400, 'invalid_value', 'top_logprobs'],
  ['/v1/chat/completions', { ...chat, logit_bias: { x: 1 } }, 400, 'invalid_value', 'logit_bias.x'],
  ['/v1/chat/completions', { ...chat, logit_bias: { '260': 1 } }, 400, 'invalid_value', 'logit_bias'],
  ['/v1/chat/completions', { ...chat, logit_bias: { '1': 101 } }, 400, 'invalid_value', 'logit_bias.1'],
  ['/v1/chat/completions', { ...chat, max_tokens: 1, max_completion_tokens: 2 }, 400, 'invalid_value', 'max_tokens'],
  ['/v1/completions', { ...completion, max_tokens: 0 }, 400, 'invalid_value', 'max_tokens'],
  ['/v1/completions', { ...completion, prompt: '' }, 400, 'invalid_prompt', 'prompt'],
  ['/v1/completions', { ...completion, prompt: [] }, 400, 'invalid_value', 'prompt'],
  ['/v1/completions', { ...completion, prompt: [[]] }, 400, 'invalid_value', 'prompt[0]'],
  ['/v1/completions', { ...completion, prompt: [-1] }, 400, 'invalid_value', 'prompt[0]'],
  ['/v1/completions', { ...completion, prompt: [260] }, 400, 'invalid_prompt', 'prompt'],
  ['/v1/completions', { ...completion, prompt: [1.5] }, 400, 'invalid_value', 'prompt[0]'],
  ['/v1/completions', { ...completion, prompt: ['a', 1] }, 400, 'invalid_value', 'prompt[1]'],
  ['/v1/completions', { ...completion, prompt: [[[1]]] }, 400, 'invalid_value', 'prompt[0][0]'],
  ['/v1/completions', { ...completion, prompt: 'x'.repeat(140_000) }, 400, 'context_length_exceeded', 'prompt'],
  [
    '/v1/completions',
    { ...completion, prompt: Array.from({ length: 32 }, () => 'x'), n: 3 },
    400,
    'invalid_value',
    'n',
  ],
  [
    '/v1/chat/completions',
    { ...chat, messages: [{ role: 'user', content: REFUSED }] },
    400,
    'invalid_prompt',
    'messages',
  ],
  // What would change the reply and cannot be done.
  [
    '/v1/chat/completions',
    { ...chat, tools: [{ type: 'function', function: { name: 'f' } }] },
    400,
    'unsupported_parameter',
    'tools',
  ],
  ['/v1/chat/completions', { ...chat, tool_choice: 'required' }, 400, 'unsupported_parameter', 'tool_choice'],
  ['/v1/chat/completions', { ...chat, verbosity: 'low' }, 400, 'unsupported_parameter', 'verbosity'],
  ['/v1/chat/completions', { ...chat, repeat_penalty: 1.1 }, 400, 'unsupported_parameter', 'repeat_penalty'],
  ['/v1/chat/completions', { ...chat, ignore_eos: true }, 400, 'unsupported_parameter', 'ignore_eos'],
  ['/v1/chat/completions', { ...chat, prompt_cache_retention: '1h' }, 400, 'invalid_value', 'prompt_cache_retention'],
  [
    '/v1/chat/completions',
    { ...chat, messages: [{ role: 'assistant', content: '', tool_calls: [{ id: 'c', function: { name: 'f' } }] }] },
    400,
    'unsupported_parameter',
    'messages[0].tool_calls',
  ],
  [
    '/v1/chat/completions',
    { ...chat, messages: [...chat.messages, { role: 'assistant', content: 'So', prefix: true }] },
    400,
    'unsupported_parameter',
    'messages[1].prefix',
  ],
  ['/v1/chat/completions', { ...chat, messages: [{ role: 'user' }] }, 400, 'missing_parameter', 'messages[0].content'],
  [
    '/v1/chat/completions',
    { ...chat, stream: true, stream_options: { include_obfuscation: true } },
    400,
    'unsupported_parameter',
    'stream_options.include_obfuscation',
  ],
  ['/v1/chat/completions', { ...chat, seed: 1, mneme: { seed: 2 } }, 400, 'invalid_value', 'mneme.seed'],
  ['/v1/chat/completions', { ...chat, mneme: { bundle: 'other' } }, 400, 'bundle_mismatch', 'mneme.bundle'],
  [
    '/v1/responses',
    { input: [{ type: 'function_call_output', call_id: 'a', output: 'b' }] },
    400,
    'unsupported_parameter',
    'input[0].type',
  ],
  ['/v1/responses', { input: [{ type: 'item_reference', id: 'msg_x' }] }, 404, 'item_not_found', 'input[0].id'],
  ['/v1/responses', { ...response, include: ['nothing'] }, 400, 'invalid_value', 'include[0]'],
  // Lists that are too long, each named with its limit.
  ['/v1/chat/completions', { ...chat, stop: Array(17).fill('a') }, 400, 'invalid_value', 'stop'],
  ['/v1/completions', { ...completion, prompt: Array(65).fill('a') }, 400, 'invalid_value', 'prompt'],
  ['/v1/responses', { input: Array.from({ length: 20_000 }, () => ({})) }, 400, 'too_many_items', 'input[16383]'],
  ['/v1/responses', { input: Array(140_000).fill(1) }, 400, 'too_many_items', 'input'],
  // What does not exist.
  ['/v1/responses', { ...response, model: 'gpt-9' }, 404, 'model_not_found', 'model'],
  ['/v1/chat/completions', { ...chat, model: 'gpt-9' }, 404, 'model_not_found', 'model'],
  [
    '/v1/responses',
    { ...response, previous_response_id: 'resp_0' },
    404,
    'previous_response_not_found',
    'previous_response_id',
  ],
  [
    '/v1/responses',
    { ...response, previous_response_id: '../../etc/passwd\u0000' },
    404,
    'previous_response_not_found',
    'previous_response_id',
  ],
  ['/v1/nothing', {}, 404, 'not_found', null],
  // The model's own failures.
  ['/v1/responses', { input: NOT_A_NUMBER, max_output_tokens: 3 }, 500, 'model_error', null],
  ['/v1/chat/completions', { ...chat, messages: [{ role: 'user', content: THROWS }] }, 500, 'engine_failed', null],
]

describe('what cannot be done', () => {
  test('is refused in one shape with the right status, and the server goes on', async () => {
    const server = await startTestServer()
    for (const [path, body, status, code, param] of refused) {
      const answer = await server.post(path, body)
      const what = JSON.stringify(body)?.slice(0, 80)
      expect([what, answer.status, answer.json.error.code, answer.json.error.param]).toEqual([
        what,
        status,
        code,
        param,
      ])
      expect(Object.keys(answer.json.error)).toEqual(['message', 'type', 'param', 'code'])
      expect(answer.json.error.message).toMatch(/^.{10,400}\.$/)
    }
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
    expect((await server.post('/v1/responses', { ...response, max_output_tokens: 2 })).status).toBe(200)
  })

  test('is said by its name and its limit, not by the kind of list that it might have been', async () => {
    const server = await startTestServer()
    const message = async (path: string, body: unknown): Promise<string> =>
      (await server.post(path, body)).json.error.message
    expect(await message('/v1/chat/completions', { ...chat, stop: Array(17).fill('a') })).toBe(
      "'stop': expected at most 16 strings of at most 256 characters.",
    )
    expect(await message('/v1/completions', { ...completion, prompt: [] })).toBe(
      "'prompt': expected 1 to 64 prompts, got none.",
    )
    expect(await message('/v1/chat/completions', { model: 'fake', messages: [] })).toBe(
      "'messages': expected at least 1, got none.",
    )
  })

  test('a body of a third of a million empty objects is refused at the first one too many', async () => {
    const server = await startTestServer()
    for (const path of ['/v1/responses', '/v1/chat/completions', '/v1/completions']) {
      const key = { '/v1/responses': 'input', '/v1/chat/completions': 'messages' }[path] ?? 'prompt'
      const body = `{"model":"fake","${key}":[${'{},'.repeat(340_000)}{}]}`
      const { status, json } = await server.post(path, body)
      expect([path, status, json.error.code]).toEqual([path, 400, 'too_many_items'])
    }
  })

  test('needs the right content type', async () => {
    const server = await startTestServer()
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await server.request('POST', '/v1/responses', response, headers)).status
    expect(await status({ 'content-type': 'text/plain' })).toBe(415)
    expect(await status({ 'content-type': 'application/json; charset=utf-8' })).toBe(200)
  })

  test('an absurd n is refused at once', async () => {
    const server = await startTestServer()
    const { status, json } = await server.post('/v1/chat/completions', { ...chat, n: 1e6 })
    expect([status, json.error.param]).toEqual([400, 'n'])
    expect(server.deps.models[0]!.engine.load).toMatchObject({ running: 0, waiting: 0 })
  })
})
