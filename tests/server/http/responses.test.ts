import { describe, expect, test } from 'vitest'
import { END } from '../../support/fake-model.ts'
import { folderOfFormat } from '../../support/data-formats.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const ask = (server: TestServer, body: Json, headers?: Record<string, string>) =>
  server.post('/v1/responses', body, headers)
const turn = { max_output_tokens: 6, mneme: { seed: 5 } }
const textOf = (response: Json): string => response.output[0].content[0].text

/** A conversation of `count` turns; returns the responses. */
async function converse(server: TestServer, count: number, first: Json = {}): Promise<Json[]> {
  const all: Json[] = []
  for (let i = 0; i < count; i++) {
    const previous_response_id = all.at(-1)?.id ?? null
    const { status, json } = await ask(server, { input: `turn ${i}`, ...turn, ...first, previous_response_id })
    expect(status).toBe(200)
    all.push(json)
  }
  return all
}

const texts = async (server: TestServer): Promise<string[]> => (await converse(server, 5)).map(textOf)
const itemTexts = (page: Json): string[] => page.data.map((item: Json) => item.content[0].text)

describe('a stored response', () => {
  test('is a pure function of bundle, parent, input and seed', async () => {
    const [a, b] = [await startTestServer(), await startTestServer()]
    const expected = await texts(a)
    expect(await texts(b)).toEqual(expected)
    expect(new Set(expected).size).toBe(5)
    const [one, two] = await Promise.all([texts(a), texts(a)])
    expect([one, two]).toEqual([expected, expected])
  })

  test('remembers what went before: another past gives another reply', async () => {
    const server = await startTestServer()
    const [first] = await converse(server, 1)
    const [other] = await converse(server, 1, { input: 'another past' })
    const next = { input: 'and now?', ...turn }
    const after = await ask(server, { ...next, previous_response_id: first.id })
    const afterOther = await ask(server, { ...next, previous_response_id: other.id })
    const alone = await ask(server, next)
    expect(new Set([textOf(after.json), textOf(afterOther.json), textOf(alone.json)]).size).toBe(3)
  })

  test('counts the whole conversation as input and what was not computed again as cached', async () => {
    const server = await startTestServer()
    const all = await converse(server, 4)
    let total = 0
    for (const [i, { usage }] of all.entries()) {
      // <|user|> text <|end|> <|assistant|>, and the end token that closed the last reply.
      const added = `turn ${i}`.length + 3 + (i > 0 && all[i - 1].status === 'incomplete' ? 1 : 0)
      expect(usage.input_tokens).toBe(total + added)
      expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens)
      expect(usage.input_tokens_details.cached_tokens).toBe(i === 0 ? 0 : total - 1)
      expect(usage.mneme).toEqual({
        tokens_saved: usage.input_tokens_details.cached_tokens,
        tokens_computed: usage.total_tokens - usage.input_tokens_details.cached_tokens,
        tokens_truncated: 0,
        state_bytes: 16,
        resumed_from: i === 0 ? null : 'disk',
        tokens_replayed: 0,
        rebuilt: null,
      })
      total = usage.total_tokens
    }
  })

  test('can be read and deleted by its owner; to all others it is unknown', async () => {
    const server = await startTestServer({ keys: ['alice', 'bob'] })
    const alice = { authorization: 'Bearer alice' }
    const bob = { authorization: 'Bearer bob' }
    const { json } = await ask(server, { input: 'secret', ...turn, metadata: { a: 'b' } }, alice)
    const path = `/v1/responses/${json.id}`
    const get = async (headers: Record<string, string>, at = path) => {
      const answer = await server.request('GET', at, undefined, headers)
      return { status: answer.status, body: (await answer.text()).replace(at.slice(14), 'ID') }
    }
    expect(JSON.parse((await get(alice)).body)).toMatchObject({ object: 'response', metadata: { a: 'b' } })
    const unknown = '/v1/responses/resp_unknown'
    expect(await get(bob)).toEqual(await get(bob, unknown))
    expect((await get(bob)).status).toBe(404)
    expect(await get(bob, `${path}/input_items`)).toMatchObject({ status: 404 })
    expect((await server.request('DELETE', path, undefined, bob)).status).toBe(404)
    const stolen = await ask(server, { input: 'x', previous_response_id: json.id }, bob)
    const guessed = await ask(server, { input: 'x', previous_response_id: 'resp_unknown' }, bob)
    expect(stolen.status).toBe(404)
    expect(stolen.json.error.code).toBe(guessed.json.error.code)
    const deleted = await server.request('DELETE', path, undefined, alice)
    expect(await deleted.json()).toMatchObject({
      id: json.id,
      object: 'response',
      deleted: true,
      receipt: { responses: [json.id], states: 1 },
    })
    expect((await get(alice)).status).toBe(404)
    expect((await ask(server, { input: 'x', previous_response_id: json.id }, alice)).status).toBe(404)
  })

  test('lists its input items, newest first, in pages', async () => {
    const server = await startTestServer()
    const input = ['a', 'b', 'c'].map((content) => ({ role: 'user', content }))
    const { json } = await ask(server, { input, ...turn })
    const list = async (query: string) =>
      (await server.request('GET', `/v1/responses/${json.id}/input_items${query}`)).json() as Json
    const page = await list('?limit=2')
    expect([itemTexts(page), page.has_more]).toEqual([['c', 'b'], true])
    expect(itemTexts(await list(`?after=${page.last_id}`))).toEqual(['a'])
    expect(itemTexts(await list('?order=asc'))).toEqual(['a', 'b', 'c'])
    expect((await list('?order=up')).error.param).toBe('order')
    expect((await list('?colour=red')).error.code).toBe('unknown_parameter')
  })

  test('with store: false leaves nothing behind', async () => {
    const server = await startTestServer()
    const { json } = await ask(server, { input: 'x', ...turn, store: false })
    expect(json.store).toBe(false)
    expect((await server.request('GET', `/v1/responses/${json.id}`)).status).toBe(404)
    expect((await ask(server, { input: 'y', previous_response_id: json.id })).json.error.code).toBe(
      'previous_response_not_found',
    )
    expect((await server.deps.store.statistics()).responses).toBe(0)
  })

  test('of a folder of the format before is rebuilt to the same bits', async () => {
    const { folder, turns } = folderOfFormat(2)
    const server = await startTestServer({ folder, append: true, keepStates: 1 })
    const rebuilt: Json[] = []
    for (const { id } of turns)
      rebuilt.push((await ask(server, { input: 'x', ...turn, previous_response_id: id })).json)
    const results = rebuilt.map(({ usage }) => usage.mneme.rebuilt)
    expect(results).toContain('identical')
    expect(results).not.toContain('different')
  })

  test('continues with the same bytes after its state was pruned', async () => {
    const [pruning, keeping] = [await startTestServer({ keepStates: 1 }), await startTestServer({ keepStates: 100 })]
    const [some, all] = [await converse(pruning, 12), await converse(keeping, 12)]
    expect((await pruning.deps.store.statistics()).states).toBeLessThan(4)
    for (const at of [0, 3, 7, 10]) {
      const fork = { input: 'again', ...turn }
      const rebuilt = await ask(pruning, { ...fork, previous_response_id: some[at].id })
      const kept = await ask(keeping, { ...fork, previous_response_id: all[at].id })
      expect(textOf(rebuilt.json)).toBe(textOf(kept.json))
      const { mneme: memory, ...usage } = rebuilt.json.usage
      const { mneme: other, ...same } = kept.json.usage
      expect(usage).toEqual(same)
      expect([memory.tokens_computed, memory.tokens_saved]).toEqual([other.tokens_computed, other.tokens_saved])
      expect(memory).toMatchObject({ resumed_from: 'replay', rebuilt: 'identical' })
      expect(memory.tokens_replayed).toBeGreaterThan(0)
      expect(other).toMatchObject({ resumed_from: 'disk', tokens_replayed: 0, rebuilt: null })
    }
  })

  test('deletion in the middle of a session leaves the later turns usable', async () => {
    const [server, untouched] = [await startTestServer({ keepStates: 1 }), await startTestServer({ keepStates: 1 })]
    const [all, same] = [await converse(server, 6), await converse(untouched, 6)]
    for (const at of [0, 2]) expect((await server.request('DELETE', `/v1/responses/${all[at].id}`)).status).toBe(200)
    for (const at of [1, 3, 5]) {
      const fork = { input: 'again', ...turn }
      const here = await ask(server, { ...fork, previous_response_id: all[at].id })
      const there = await ask(untouched, { ...fork, previous_response_id: same[at].id })
      expect([here.status, textOf(here.json)]).toEqual([200, textOf(there.json)])
    }
  })

  test('a turn that cannot be stored did not happen, and the next one works', async () => {
    const server = await startTestServer({ maxPages: 64 })
    const [first] = await converse(server, 1)
    const tooLarge = await ask(server, { input: 'x'.repeat(100_000), ...turn, previous_response_id: first.id })
    expect([tooLarge.status, tooLarge.json.error.code]).toEqual([507, 'storage_full'])
    const next = await ask(server, { input: 'small', ...turn, previous_response_id: first.id })
    expect(next.status).toBe(200)
    expect((await server.deps.store.statistics()).responses).toBe(2)
  })

  test('what was not fed yet is fed with the next turn, and instructions are read once', async () => {
    const server = await startTestServer()
    const end = { mneme: { seed: 1, logit_bias: { [END]: 100 } } }
    const { json: first } = await ask(server, { input: 'x', instructions: 'be brief', ...end })
    expect(first.usage.input_tokens).toBe('be brief'.length + 'x'.length + 5)
    expect(first).toMatchObject({ status: 'completed', instructions: 'be brief', usage: { output_tokens: 1 } })
    const { json: second } = await ask(server, { input: 'y', ...end, previous_response_id: first.id })
    expect(second.usage.input_tokens - first.usage.total_tokens).toBe('y'.length + 3)
    expect(second.instructions).toBeNull()
  })
})

const nulls = (names: string): Json => Object.fromEntries(names.split(' ').map((name) => [name, null]))

describe('requests', () => {
  test('null means the default, everywhere', async () => {
    const server = await startTestServer()
    const responses = nulls(
      'instructions previous_response_id store metadata max_output_tokens temperature top_p top_logprobs include truncation user mneme tools text stream background reasoning',
    )
    expect(await ask(server, { input: 'x', ...responses })).toMatchObject({
      status: 200,
      json: { store: true, temperature: 1, truncation: 'disabled' },
    })
    const chat = nulls(
      'max_tokens max_completion_tokens temperature top_p n stop seed frequency_penalty presence_penalty logit_bias logprobs top_logprobs stream stream_options tools response_format mneme',
    )
    expect(
      (
        await server.post('/v1/chat/completions', {
          model: 'fake',
          messages: [{ role: 'user', content: 'x' }],
          ...chat,
        })
      ).status,
    ).toBe(200)
    const text = nulls('max_tokens temperature top_p n best_of stop seed echo logprobs logit_bias suffix stream user')
    expect((await server.post('/v1/completions', { model: 'fake', prompt: 'x', ...text })).status).toBe(200)
  })

  test('our own sampling takes effect', async () => {
    const server = await startTestServer()
    const reply = async (mneme: Json): Promise<string> =>
      textOf((await ask(server, { input: 'x', max_output_tokens: 20, mneme })).json)
    const greedy = await reply({ top_k: 1, seed: 1 })
    expect(await reply({ top_k: 1, seed: 2 })).toBe(greedy)
    expect(await reply({ min_p: 1, seed: 3 })).toBe(greedy)
    expect(await reply({ seed: 2 })).not.toBe(greedy)
    expect(await reply({ top_k: 1, stop: greedy.slice(2, 4) })).toBe(
      greedy.slice(0, greedy.indexOf(greedy.slice(2, 4))),
    )
    expect(await reply({ top_k: 1, logit_bias: { 97: 100, [END]: -100 } })).toBe('a'.repeat(20))
    expect(await reply({ top_k: 1, repetition_penalty: 10 })).not.toBe(greedy)
  })

  test('two turns on one response at a time are two forks, each as if it were alone', async () => {
    const server = await startTestServer()
    const [first] = await converse(server, 1)
    const fork = (input: string) => ask(server, { input, ...turn, previous_response_id: first.id })
    const together = await Promise.all([fork('one'), fork('two'), fork('one')])
    const alone = [await fork('one'), await fork('two')]
    const [one, two, again] = together.map(({ json }) => textOf(json))
    expect([one, two]).toEqual(alone.map(({ json }) => textOf(json)))
    expect(again).toBe(one)
  })
})

describe('the event stream', () => {
  test('has the specified events in the specified order', async () => {
    const server = await startTestServer()
    const answer = await server.request('POST', '/v1/responses', { input: 'x', ...turn, stream: true })
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const blocks = (await answer.text()).trimEnd().split('\n\n')
    expect(blocks.pop()).toBe('data: [DONE]')
    const events: Json[] = blocks.map((block) => {
      const [event, data] = block.split('\n') as [string, string]
      const json = JSON.parse(data.slice('data: '.length))
      expect(event).toBe(`event: ${json.type}`)
      return json
    })
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i))
    const types = events.map(({ type }) => type.replace('response.', ''))
    const deltas = types.filter((type) => type === 'output_text.delta').length
    expect(deltas).toBeGreaterThan(0)
    expect(types).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      ...Array.from({ length: deltas }, () => 'output_text.delta'),
      'output_text.done',
      'content_part.done',
      'output_item.done',
      expect.stringMatching(/^(completed|incomplete)$/),
    ])
    const last = events.at(-1)
    const streamed = events.map(({ delta }) => delta ?? '').join('')
    expect(textOf(last.response)).toBe(streamed)
    expect(events[0].response).toMatchObject({ id: last.response.id, status: 'in_progress', output: [], usage: null })
    const stored = await server.request('GET', `/v1/responses/${last.response.id}`)
    expect(await stored.json()).toEqual(last.response)
  })

  test('says response.failed when the turn fails after it began', async () => {
    const server = await startTestServer({ maxPages: 64 })
    const answer = await server.request('POST', '/v1/responses', { input: 'x'.repeat(100_000), ...turn, stream: true })
    const events = (await answer.text()).split('\n\n').filter((block) => block.startsWith('event'))
    const last = JSON.parse((events.at(-1) as string).split('data: ')[1] as string)
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'storage_full' } },
    })
    expect(events.join('')).not.toContain('response.completed')
  })
})
