import { describe, expect, test } from 'vitest'
import { END, type FakeOptions } from '../../support/fake-model.ts'
import { bytes } from '../../support/jobs.ts'
import { startTestServer, type Json } from '../../support/test-server.ts'

const LETTERS = bytes('abcdef')

/** Goes round the letters, mostly; after anything else, begins with the first. */
const score: NonNullable<FakeOptions['score']> = (history, logits) => {
  logits.fill(-30)
  const last = LETTERS.indexOf(history.at(-1) as number)
  for (const [at, letter] of LETTERS.entries()) logits[letter] = at === (last + 1) % LETTERS.length ? 6 : at / 4
  logits[END] = -4
}

/** A server over that model, and the lengths of the calls that fed its replies. */
async function start() {
  const fed: number[] = []
  const onCall: FakeOptions['onCall'] = ({ kind, ids }) => kind === 'decode' && fed.push(ids.length)
  const server = await startTestServer({ append: true, score, onCall, keepStates: 1 })
  const post = async (path: string, body: Json): Promise<Json> => {
    fed.length = 0
    const { status, json } = await server.post(path, body)
    expect([status, json.error ?? null]).toEqual([200, null])
    return json
  }
  return { server, fed, post }
}

const drafts = (fed: readonly number[]): boolean => fed.some((length) => length > 1)
const greedy = { temperature: 0, max_tokens: 60 }
const chat = { model: 'fake', messages: [{ role: 'user', content: 'abcdefab' }], ...greedy }
const content = (json: Json): string => json.choices[0].message.content
const predicted = { type: 'content', content: 'abcdefabcdefabcdxxxxabcdef' }

describe('drafts of a request', () => {
  test('are on, end with speculative.n_max 0, and leave every endpoint its reply', async () => {
    const { fed, post } = await start()
    const completion = { model: 'fake', prompt: 'abcdefab', ...greedy }
    const response = { input: 'abcdefab', temperature: 0, max_output_tokens: 60 }
    for (const [path, body, textOf] of [
      ['/v1/chat/completions', chat, content],
      ['/v1/completions', completion, (json: Json) => json.choices[0].text],
      ['/v1/responses', response, (json: Json) => json.output[0].content[0].text],
    ] as const) {
      const on = await post(path, body)
      expect(drafts(fed)).toBe(true)
      const off = await post(path, { ...body, 'speculative.n_max': 0 })
      expect(drafts(fed)).toBe(false)
      expect(fed).toHaveLength(59)
      expect(textOf(on)).toBe(textOf(off))
      const short = await post(path, {
        ...body,
        'speculative.n_max': 2,
        'speculative.n_min': 1,
        'speculative.p_min': 0.5,
      })
      expect(Math.max(...fed)).toBeLessThanOrEqual(4)
      expect(textOf(short)).toBe(textOf(off))
    }
  })

  test('are made with a seed only where they are asked for', async () => {
    const { fed, post } = await start()
    const plain = await post('/v1/chat/completions', { ...chat, temperature: 1, seed: 7 })
    expect(drafts(fed)).toBe(false)
    const own = await post('/v1/chat/completions', { ...chat, temperature: 1, mneme: { seed: 7 } })
    expect(drafts(fed)).toBe(false)
    const drafted = await post('/v1/chat/completions', { ...chat, temperature: 1, seed: 7, 'speculative.n_max': 15 })
    expect(drafts(fed)).toBe(true)
    expect([content(own), content(drafted)]).toEqual([content(plain), content(plain)])
  })

  test('come from its prediction, whose right and wrong tokens the usage counts', async () => {
    const { fed, post } = await start()
    const body = { ...chat, messages: [{ role: 'user', content: '?' }] }
    const plain = await post('/v1/chat/completions', body)
    expect(plain.usage.completion_tokens_details).toEqual({ reasoning_tokens: 0 })
    for (const prediction of [predicted, { ...predicted, content: [{ type: 'text', text: predicted.content }] }]) {
      const json = await post('/v1/chat/completions', { ...body, prediction })
      expect(fed[0]).toBeGreaterThan(1)
      expect(content(json)).toBe(content(plain))
      const details = json.usage.completion_tokens_details
      expect(details.accepted_prediction_tokens).toBeGreaterThan(8)
      expect(details.rejected_prediction_tokens).toBeGreaterThan(0)
    }
    const off = await post('/v1/chat/completions', { ...body, prediction: predicted, 'speculative.n_max': 0 })
    expect(off.usage.completion_tokens_details).toMatchObject({
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    })
    expect(content(off)).toBe(content(plain))
  })

  test('come from the turn before where a response is continued', async () => {
    const { fed, post } = await start()
    const turn = { temperature: 0, max_output_tokens: 40 }
    const first = await post('/v1/responses', { input: 'nothing', ...turn })
    await post('/v1/responses', { input: '?', ...turn, previous_response_id: first.id })
    // Without the turn before, the letters would have to go round once.
    expect(fed.findIndex((length) => length > 1)).toBeLessThan(5)
  })

  test('that cannot be are refused by name', async () => {
    const { server } = await start()
    for (const [extra, param] of [
      [{ 'speculative.n_max': -1 }, 'speculative.n_max'],
      [{ 'speculative.n_max': 16 }, 'speculative.n_max'],
      [{ prediction: 'abc' }, 'prediction'],
      [{ prediction: { type: 'content', content: 5 } }, 'prediction.content'],
    ] as const) {
      const { status, json } = await server.post('/v1/chat/completions', { ...chat, ...extra })
      expect([status, json.error?.param]).toEqual([400, param])
    }
  })

  test('are counted by metrics with the names of vLLM', async () => {
    const { server, post } = await start()
    await post('/v1/chat/completions', chat)
    const text = await (await server.request('GET', '/metrics')).text()
    const read = (name: string): number =>
      Number(new RegExp(`^mneme_spec_decode_${name}_total (\\d+)`, 'm').exec(text)?.[1])
    expect(read('num_drafts')).toBeGreaterThan(2)
    expect(read('num_draft_tokens')).toBeGreaterThanOrEqual(read('num_accepted_tokens'))
    expect(read('num_accepted_tokens')).toBeGreaterThan(30)
  })
})

test('the calls of drafted turns are stored, and what is rebuilt by them has the bits of what was pruned', async () => {
  const { server, post } = await start()
  const turns: Json[] = []
  for (let i = 0; i < 8; i++) {
    const previous_response_id = turns.at(-1)?.id ?? null
    turns.push(
      await post('/v1/responses', { input: `turn ${i}`, temperature: 1, max_output_tokens: 50, previous_response_id }),
    )
  }
  const records = await Promise.all(turns.map(({ id }) => server.deps.store.find('local', id)))
  expect(records.some((found) => found?.record.calls?.some((length) => length > 1))).toBe(true)
  for (const found of records) {
    const { calls, generated } = found!.record
    const fed = calls?.reduce((sum, length) => sum + length, 0) ?? generated.length - 1
    expect(fed).toBe(generated.length - 1)
  }
  for (const { id } of turns) server.deps.recent?.delete(id)
  const forks = []
  for (const { id } of turns)
    forks.push((await post('/v1/responses', { input: 'fork', previous_response_id: id })).usage.mneme)
  expect(forks.filter(({ resumed_from }) => resumed_from === 'replay').length).toBeGreaterThan(2)
  for (const { resumed_from, rebuilt } of forks) expect(rebuilt).toBe(resumed_from === 'replay' ? 'identical' : null)
})
