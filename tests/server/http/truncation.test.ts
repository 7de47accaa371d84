import { describe, expect, test } from 'vitest'
import { startTestServer, type Json, type TestOptions, type TestServer } from '../../support/test-server.ts'

const LIMIT = 200
const reply = { max_output_tokens: 10, mneme: { seed: 1 } }
/** Tokens of a message in the fake's chat format: its role, its bytes, its end. */
const lengthOf = (text: string): number => text.length + 2

const start = (options: TestOptions = {}): Promise<TestServer> =>
  startTestServer({ contextLength: LIMIT, keepStates: 100, prefixCache: 0, ...options })

async function ask(server: TestServer, body: Json): Promise<Json> {
  const { status, json } = await server.post('/v1/responses', { truncation: 'auto', ...reply, ...body })
  expect([status, json.error ?? null]).toEqual([200, null])
  return json
}

const textOf = (response: Json): string => response.output[0].content[0].text
const memory = (response: Json): Json => response.usage.mneme

/** `count` turns of one conversation, each of which continues the one before. */
async function converse(server: TestServer, count: number, first: Json = {}): Promise<Json[]> {
  const turns: Json[] = []
  for (let i = 0; i < count; i++) {
    const before = turns.at(-1)
    const body = before ? { previous_response_id: before.id } : first
    turns.push(await ask(server, { input: `turn ${i} ${'x'.repeat(20)}`, ...body }))
  }
  return turns
}

/** The messages of turns, as a client that keeps its own history would send them. */
async function messagesOf(server: TestServer, turns: readonly Json[]): Promise<Json[]> {
  const messages: Json[] = []
  for (const { id } of turns) {
    const items: Json = await (await server.request('GET', `/v1/responses/${id}/input_items?order=asc`)).json()
    const response: Json = await (await server.request('GET', `/v1/responses/${id}`)).json()
    for (const { role, content } of [...items.data, ...response.output]) messages.push({ role, content })
  }
  return messages
}

describe.each([{ append: false }, { append: true }])('truncation (a state that grows: $append)', ({ append }) => {
  test('auto leaves out the oldest turns and reads instructions and newest turns again', async () => {
    const server = await start({ append })
    const turns = await converse(server, 12, { instructions: 'be brief' })
    const at = turns.findIndex((turn) => memory(turn).tokens_truncated > 0)
    expect(at).toBeGreaterThan(2)
    for (const turn of turns) expect(turn.usage.total_tokens).toBeLessThanOrEqual(LIMIT)
    const cut = turns[at]
    expect(memory(cut)).toMatchObject({ tokens_saved: 0, resumed_from: null })
    expect(cut.usage.input_tokens_details.cached_tokens).toBe(0)
    // It is the reply of whoever would have sent the instructions and the turns that were kept.
    const all = await messagesOf(server, turns.slice(0, at + 1))
    all.pop()
    const kept = all.findIndex((_, first) => {
      const tokens = all.slice(first).reduce((sum, { content }) => sum + lengthOf(content[0].text), 0)
      return all[first].role === 'user' && lengthOf('be brief') + tokens + 1 + reply.max_output_tokens <= LIMIT
    })
    expect(kept).toBeGreaterThan(0)
    const resent = await ask(server, { instructions: 'be brief', input: all.slice(kept), truncation: 'disabled' })
    expect([textOf(cut), cut.usage.input_tokens]).toEqual([textOf(resent), resent.usage.input_tokens])
    const before = turns[at - 1].usage.total_tokens
    expect(memory(cut).tokens_truncated).toBeGreaterThan(before - LIMIT)
  })

  test('disabled, which is the default, refuses', async () => {
    const server = await start({ append })
    const turns = await converse(server, 5)
    for (const truncation of ['disabled', null]) {
      const body = { input: 'x'.repeat(100), ...reply, truncation, previous_response_id: turns.at(-1).id }
      const { status, json } = await server.post('/v1/responses', body)
      expect([status, json.error.code, json.error.param]).toEqual([400, 'context_length_exceeded', 'input'])
    }
  })

  test('a conversation that was cut goes on, is read, forked, deleted from and rebuilt as any other', async () => {
    const prefixCache = 64 * 2 ** 20
    const server = await start({ append, prefixCache })
    const pruned = await start({ append, prefixCache, keepStates: 1, replayTokens: 100_000 })
    const [all, same] = [await converse(server, 14), await converse(pruned, 14)]
    expect(same.map(textOf)).toEqual(all.map(textOf))
    const cuts = all.filter((turn) => memory(turn).tokens_truncated > 0)
    expect(cuts.length).toBeGreaterThan(1)
    let rebuilt = 0
    for (const [at, turn] of all.entries()) {
      const fork = { input: 'again', max_output_tokens: 4 }
      const here = await ask(server, { ...fork, previous_response_id: turn.id })
      const there = await ask(pruned, { ...fork, previous_response_id: same[at].id })
      expect([textOf(there), there.usage.input_tokens]).toEqual([textOf(here), here.usage.input_tokens])
      if (memory(there).resumed_from !== 'replay') continue
      rebuilt++
      expect(memory(there).rebuilt).toBe('identical')
      // A rebuild begins where the conversation was cut last.
      expect(memory(there).tokens_replayed).toBeLessThanOrEqual(LIMIT)
    }
    expect(rebuilt).toBeGreaterThan(5)
  })

  test('turns before a cut can be deleted, and are no longer read again', async () => {
    const server = await start({ append, keepStates: 1 })
    const turns = await converse(server, 14)
    for (const turn of turns.slice(0, -2)) {
      expect((await server.request('DELETE', `/v1/responses/${turn.id}`)).status).toBe(200)
    }
    const next = await ask(server, { input: 'y'.repeat(60), previous_response_id: turns.at(-1).id })
    const known = await messagesOf(server, turns.slice(-2))
    const resent = await ask(server, { input: [...known, { role: 'user', content: 'y'.repeat(60) }] })
    expect(textOf(next)).toBe(textOf(resent))
  })
})

describe('truncation', () => {
  test('auto leaves out the oldest messages of an input, not its system message, and no half turns', async () => {
    const server = await start()
    const turn = (name: string): Json[] => [
      { role: 'user', content: `${name} question ${'x'.repeat(30)}` },
      { role: 'assistant', content: `${name} answer ${'x'.repeat(30)}` },
    ]
    const system = { role: 'system', content: 'be kind' }
    const last = { role: 'user', content: 'and now?' }
    const input = [system, ...turn('first'), ...turn('second'), ...turn('third'), last]
    const cut = await ask(server, { input })
    const kept = await ask(server, { input: [system, ...turn('third'), last], truncation: 'disabled' })
    expect([textOf(cut), cut.usage.input_tokens]).toEqual([textOf(kept), kept.usage.input_tokens])
    const left = [...turn('first'), ...turn('second')].reduce((sum, { content }) => sum + lengthOf(content), 0)
    expect(memory(cut)).toMatchObject({ tokens_truncated: left })
    const items: Json = await (await server.request('GET', `/v1/responses/${cut.id}/input_items`)).json()
    expect(items.data).toHaveLength(input.length)
  })

  test('auto changes nothing where there is room, and nothing without a limit', async () => {
    const [server, unlimited] = [await start(), await start({ contextLength: null })]
    const one = await ask(server, { input: 'x'.repeat(100) })
    const same = await ask(unlimited, { input: 'x'.repeat(100) })
    expect(textOf(same)).toBe(textOf(one))
    expect(memory(one).tokens_truncated).toBe(0)
    expect(one.truncation).toBe('auto')
    const [last] = (await converse(unlimited, 12)).slice(-1)
    expect(last.usage.total_tokens).toBeGreaterThan(LIMIT)
    expect(memory(last)).toMatchObject({ tokens_truncated: 0, resumed_from: 'disk' })
  })

  test('auto refuses a last message that is too long by itself', async () => {
    const server = await start()
    const [first] = await converse(server, 1)
    const body = { input: 'x'.repeat(LIMIT), truncation: 'auto', previous_response_id: first.id }
    const { status, json } = await server.post('/v1/responses', body)
    expect([status, json.error.code]).toEqual([400, 'context_length_exceeded'])
  })

  test('auto makes room for a quarter of the context where no length was asked for', async () => {
    const server = await start()
    const turns = [
      { role: 'user', content: 'x'.repeat(91) },
      { role: 'assistant', content: 'x'.repeat(70) },
    ]
    const input = [...turns, { role: 'user', content: 'y' }]
    const { json } = await server.post('/v1/responses', { input, truncation: 'auto', logit_bias: { 256: -100 } })
    expect(json.usage).toMatchObject({ input_tokens: 4, output_tokens: 32 })
  })
})
