import { describe, expect, test } from 'vitest'
import { startTestServer, type Json } from '../support/test-server.ts'

const text = (json: Json): string => json.output[0].content[0].text
const MIB = 1024 * 1024

/** A response to `input`; `seed` makes it the same in every server. */
const ask = (input: string, more: object = {}) => ({ input, seed: 1, max_output_tokens: 12, ...more })

describe('a response whose state is in memory', () => {
  test('is continued with the reply that it has from disk, and says where its state came from', async () => {
    const warm = await startTestServer({ append: true, recentStates: MIB })
    const cold = await startTestServer({ append: true })
    const replies = await Promise.all(
      [warm, cold].map(async (server) => {
        const { json: first } = await server.post('/v1/responses', ask('the first question'))
        const { json: second } = await server.post(
          '/v1/responses',
          ask('and then?', { previous_response_id: first.id }),
        )
        const { json: third } = await server.post(
          '/v1/responses',
          ask('once more', { previous_response_id: second.id }),
        )
        return {
          texts: [first, second, third].map(text),
          tiers: [second, third].map(({ usage }) => usage.mneme.resumed_from),
        }
      }),
    )
    expect(replies[0]?.texts).toEqual(replies[1]?.texts)
    expect(replies.map(({ tiers }) => tiers)).toEqual([
      ['memory', 'memory'],
      ['disk', 'disk'],
    ])
  })

  test('belongs to its owner', async () => {
    const server = await startTestServer({
      append: true,
      recentStates: MIB,
      keys: ['a-key-of-one', 'a-key-of-two'],
    })
    const as = (key: string) => ({ authorization: `Bearer ${key}` })
    const { json: mine } = await server.post('/v1/responses', ask('mine'), as('a-key-of-one'))
    expect(mine.id).toMatch(/^resp_/)
    const next = ask('yours?', { previous_response_id: mine.id })
    expect((await server.post('/v1/responses', next, as('a-key-of-two'))).status).toBe(404)
    expect((await server.post('/v1/responses', next, as('a-key-of-one'))).status).toBe(200)
  })

  test('is gone once the response has been deleted', async () => {
    const server = await startTestServer({ append: true, recentStates: MIB })
    const { json } = await server.post('/v1/responses', ask('to be forgotten'))
    expect((await server.request('DELETE', `/v1/responses/${json.id}`)).status).toBe(200)
    expect((await server.post('/v1/responses', ask('and?', { previous_response_id: json.id }))).status).toBe(404)
  })

  test('may be continued although the store has let its state go, and what follows is stored whole', async () => {
    const server = await startTestServer({ append: true, recentStates: MIB, keepStates: 1 })
    const { json: root } = await server.post('/v1/responses', ask('x'.repeat(200)))
    let last = root
    for (let turn = 0; turn < 6; turn++)
      last = (await server.post('/v1/responses', ask(`turn ${turn}`, { previous_response_id: last.id }))).json
    expect((await server.deps.store.find('local', root.id))?.kept ?? false).toBe(false)
    const { json: fork } = await server.post('/v1/responses', ask('a fork', { previous_response_id: root.id }))
    expect(fork.usage.mneme.resumed_from).toBe('memory')
    const kept = await server.deps.store.load(fork.id)
    expect(kept?.firstPage).toBe(0)
    expect(kept?.pages.length).toBeGreaterThan(3)
  })

  test('counts forks', async () => {
    const server = await startTestServer({ append: true, recentStates: MIB })
    const { json: root } = await server.post('/v1/responses', ask('root'))
    for (const name of ['a', 'b', 'c']) await server.post('/v1/responses', ask(name, { previous_response_id: root.id }))
    const metrics = await (await server.request('GET', '/metrics')).text()
    expect(/^mneme_forks_total (\d+)$/m.exec(metrics)?.[1]).toBe('2')
  })
})
