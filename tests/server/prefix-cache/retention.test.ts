/** Which requests leave states on disk. */
import { describe, expect, test } from 'vitest'
import { startTestServer, type Json } from '../../support/test-server.ts'

const text = 'What was said once need not be read again. '.repeat(4)
const chat = { model: 'fake', messages: [{ role: 'user', content: text }], max_tokens: 4 }
const completion = { model: 'fake', prompt: text, max_tokens: 4 }
const response = { input: text, max_output_tokens: 4 }
const day = { prompt_cache_retention: '24h' }

describe('states of prompts', () => {
  test.each<[string, string, Json, boolean]>([
    ['a chat completion', '/v1/chat/completions', chat, false],
    ['one that is not to be stored', '/v1/chat/completions', { ...chat, store: false }, false],
    ['one for memory only', '/v1/chat/completions', { ...chat, prompt_cache_retention: 'in_memory' }, false],
    ['the same in its other spelling', '/v1/chat/completions', { ...chat, prompt_cache_retention: 'in-memory' }, false],
    ['one that is to be stored', '/v1/chat/completions', { ...chat, store: true }, true],
    ['one that asks for a day', '/v1/chat/completions', { ...chat, ...day }, true],
    ['a stream that asks for a day', '/v1/chat/completions', { ...chat, ...day, stream: true }, true],
    ['a completion', '/v1/completions', completion, false],
    ['a completion that asks for a day', '/v1/completions', { ...completion, ...day }, true],
    ['a response, which is stored with a state of its own', '/v1/responses', response, false],
    ['a response that asks for a day', '/v1/responses', { ...response, ...day, store: false }, true],
  ])('of %s are on disk when it has been answered, or not', async (_, path, body, expected) => {
    const server = await startTestServer()
    const answer = await server.request('POST', path, body)
    expect(answer.status).toBe(200)
    await answer.text()
    expect((await server.deps.store.statistics()).prefixes > 0).toBe(expected)
  })

  test('on disk are counted in the first scrape of /metrics after them', async () => {
    const server = await startTestServer()
    expect((await server.post('/v1/chat/completions', { ...chat, ...day })).status).toBe(200)
    const { prefixBytes } = await server.deps.store.statistics()
    const metrics = await (await server.request('GET', '/metrics')).text()
    expect(metrics).toContain(`mneme_prefix_cache_disk_bytes ${prefixBytes}\n`)
    expect(prefixBytes).toBeGreaterThan(0)
  })

  test('that do not fit on disk fail no reply', async () => {
    const server = await startTestServer({ stateBytes: 400_000, maxPages: 120 })
    const { status, json } = await server.post('/v1/chat/completions', { ...chat, ...day })
    expect([status, json.choices?.length]).toEqual([200, 1])
  })
})
