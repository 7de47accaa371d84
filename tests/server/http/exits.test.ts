/** Early exits over HTTP: who asks for them, and what is told of them. */
import { expect, test } from 'vitest'
import { measuredExit } from '../../../server/engine/exit-drafter.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const exit = measuredExit({ after: 3, agreement: 0.9 }, { draft: 0.2, verify: 0.1 }, 15)
const sampling = { temperature: 0, logit_bias: { 258: -100 } }
/** Likelier letters than the fake has by itself, so that the exit is sure. */
const next = (history: readonly number[]): number => 97 + (history.length % 26)

const start = (options: object = {}): Promise<TestServer> => startTestServer({ append: true, next, exit, ...options })

const bodies = (gates?: object): [path: string, body: object, textOf: (json: Json) => string][] => {
  const mneme = gates ? { mneme: { gates } } : {}
  return [
    [
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: 'a' }], max_tokens: 20, ...sampling, ...mneme },
      (json) => json.choices[0].message.content,
    ],
    ['/v1/completions', { prompt: 'a', max_tokens: 20, ...sampling, ...mneme }, (json) => json.choices[0].text],
    [
      '/v1/responses',
      { input: 'a', max_output_tokens: 20, ...sampling, ...mneme },
      (json) => json.output[0].content[0].text,
    ],
  ]
}

test('early_exit true gives the reply that false gives, and the usage counts its drafts', async () => {
  const server = await start()
  for (const [at, [path, body, textOf]] of bodies({ early_exit: true }).entries()) {
    const { status, json } = await server.post(path, body)
    expect([status, json.error ?? null]).toEqual([200, null])
    const { json: off } = await server.post(path, bodies({ early_exit: false })[at]![1])
    expect(textOf(json)).toBe(textOf(off))
    const { early_exit: told } = json.usage.mneme
    expect(told).toMatchObject({ after_layer: 3, threshold: null, unverified_tokens: 0, unverified_runs: [] })
    expect(told.accepted_tokens).toBeGreaterThan(0)
    expect(off.usage.mneme?.early_exit).toBeUndefined()
  }
  const metrics = await (await server.request('GET', '/metrics')).text()
  expect(Number(/^mneme_early_exit_accepted_tokens_total (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(0)
})

test('a number lets the exit decide: the response, stored too, says which tokens nobody verified', async () => {
  const server = await start()
  for (const [path, body] of bodies({ early_exit: 0.5 })) {
    const { status, json } = await server.post(path, body)
    expect([status, json.error ?? null]).toEqual([200, null])
    const { early_exit: told } = json.usage.mneme
    expect(told).toMatchObject({ after_layer: 3, threshold: 0.5, drafted_tokens: 0 })
    expect(told.unverified_tokens).toBeGreaterThan(0)
    const counted = told.unverified_runs.reduce((sum: number, [, count]: [number, number]) => sum + count, 0)
    expect(counted).toBe(told.unverified_tokens)
    if (path !== '/v1/responses') continue
    const stored = (await (await server.request('GET', `/v1/responses/${json.id}`)).json()) as Json
    expect(stored.usage.mneme.early_exit).toEqual(told)
  }
})

test('a model without an early exit refuses what asks for one in a sentence, and takes false', async () => {
  const server = await start({ exit: undefined })
  for (const asked of [true, 0.5])
    for (const [path, body] of bodies({ early_exit: asked })) {
      const { status, json } = await server.post(path, body)
      expect([status, json.error.code, json.error.param]).toEqual([
        400,
        'early_exit_unsupported',
        'mneme.gates.early_exit',
      ])
      expect(json.error.message).toMatch(/was made without an early exit/)
    }
  for (const [path, body] of bodies({ early_exit: false })) expect((await server.post(path, body)).status).toBe(200)
})

test('a threshold beyond 0 to 1 is refused', async () => {
  const server = await start()
  for (const [path, body] of bodies({ early_exit: 1.5 })) expect((await server.post(path, body)).status).toBe(400)
})
