/** The five gates of a turn: who decides them, what each changes, and what is told of it. */
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { FEATURE_NAMES, GATES, type Gate } from '../../../runtime/controller-features.ts'
import { controllerSource, embedderSource } from '../../../server/cli.ts'
import { configSchema } from '../../../server/config.ts'
import { startController, type Gating, type ServedController } from '../../../server/controller/served-controller.ts'
import { startEmbedderThread } from '../../../server/embedding/embedders.ts'
import { startEmbedders } from '../../../server/embedding/served-embedder.ts'
import { measuredExit } from '../../../server/engine/exit-drafter.ts'
import { createLog } from '../../../server/log.ts'
import { MemoryBudget } from '../../../server/memory-budget.ts'
import { sibling } from '../../../server/thread.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json, type TestOptions, type TestServer } from '../../support/test-server.ts'
import { writeTinyController } from '../../support/tiny-controller.ts'
import { writeTinyEmbedder } from '../../support/tiny-embedder.ts'

const CODE = 'My locker code is 4071.'
const QUESTION = 'What is my locker code?'
const POEM = 'Write me a poem about sailing to Lisbon.'
const SAILING = 'Where was I sailing to?'

const textOf = (ids: readonly number[]): string => ids.map((id) => (id < 256 ? String.fromCharCode(id) : '|')).join('')

/** A server whose model answers "ok", and what it had read when it began to. */
async function reading(options: TestOptions = {}): Promise<{ server: TestServer; read: string[] }> {
  const read: string[] = []
  const next = (history: readonly number[]): number => {
    if (history.at(-1) === 258) read.push(textOf(history))
    return history.at(-1) === 258 ? 'o'.charCodeAt(0) : history.at(-2) === 258 ? 'k'.charCodeAt(0) : 256
  }
  return { server: await startTestServer({ memories: 'on', append: true, next, ...options }), read }
}

const respond = async (server: TestServer, input: string, body: Json = {}, headers?: Record<string, string>) => {
  const { status, json } = await server.post('/v1/responses', { model: 'fake', input, ...body }, headers)
  expect([status, json.error]).toEqual([200, null])
  return json
}
const gatesOf = (json: Json): Json => json.usage.mneme.gates
const forcing = (gates: Json): Json => ({ mneme: { gates } })

/** A controller that says the same of every turn, and what it was asked. */
function saying(probabilities: Partial<Record<Gate, number>>, more: Partial<ServedController> = {}) {
  const asked: { query: Float32Array; features: Float32Array }[] = []
  const every = (of: (gate: Gate) => number) =>
    Object.fromEntries(GATES.map((gate) => [gate, of(gate)])) as Record<Gate, number>
  const controller: ServedController = {
    name: 'tiny',
    bundle: 'ab'.repeat(32),
    parameters: 1,
    experts: 3,
    width: 16,
    thresholds: every(() => 0.5),
    async control(query, features) {
      asked.push({ query, features })
      return { gates: every((gate) => probabilities[gate] ?? 0), experts: [1, -1, 0.5], uncertainty: 0.25 }
    },
    ...more,
  }
  const gating: Gating = { controller, refused: null, thresholds: {} }
  return { gating, asked }
}

test('without a controller thresholds decide, and the usage tells each decision with its inputs', async () => {
  const { server } = await reading({ verify: 'annotate' })
  await respond(server, CODE)
  const gates = gatesOf(await respond(server, QUESTION))
  expect(gates).toMatchObject({ by: 'threshold', uncertainty: null })
  expect(gates.semantic).toEqual({ open: true, by: 'threshold', probability: null, threshold: null })
  expect(gates.verification).toMatchObject({ open: true, by: 'threshold' })
  for (const gate of ['early_exit', 'episodic', 'expert_bias'])
    expect(gates[gate]).toMatchObject({ open: false, by: 'unavailable' })
  expect(Object.keys(gates.features)).toEqual([...FEATURE_NAMES])
  expect(gates.features).toMatchObject({ is_question: 1, asks_user: 1, tells: 0, continues: 0, uncertainty_known: 0 })
  expect(gates.features).toMatchObject({
    'semantic.found': 1,
    'semantic.topic': 1,
    'semantic.overlap': 1,
    'semantic.above_threshold': 1,
  })
  for (const value of Object.values(gates.features) as number[]) expect(value >= 0 && value <= 1).toBe(true)
  const hello = gatesOf(await respond(server, 'Hi'))
  expect(hello.semantic).toMatchObject({ open: false })
  const metrics = await (await server.request('GET', '/metrics')).text()
  expect(metrics).toContain('mneme_gates_total{gate="semantic",decision="open",by="threshold"} 1')
})

test('a controller decides instead, from its thresholds on, and is asked once a turn', async () => {
  const { gating, asked } = saying({ semantic: 0.5, verification: 0.49 })
  const { server, read } = await reading({ gating, verify: 'annotate' })
  await respond(server, CODE)
  expect(asked).toHaveLength(1)
  read.length = 0
  const response = await respond(server, 'Is code poetry?')
  expect(asked).toHaveLength(2)
  const gates = gatesOf(response)
  expect(gates).toMatchObject({ by: 'controller', uncertainty: 0.25 })
  expect(gates.semantic).toEqual({ open: true, by: 'controller', probability: 0.5, threshold: 0.5 })
  expect(gates.verification).toEqual({ open: false, by: 'controller', probability: 0.49, threshold: 0.5 })
  expect(read[0]).toContain(CODE)
  expect(response.usage.mneme.verification).toBeUndefined()
  expect(asked[1]!.features).toHaveLength(FEATURE_NAMES.length)
  const version = (await (await server.request('GET', '/version')).json()) as Json
  expect(version.gates).toMatchObject({ by: 'controller', controller: { name: 'tiny' }, thresholds: { semantic: 0.5 } })
})

test('a controller that fails, or gives no numbers, leaves the turn to thresholds', async () => {
  const broken = { control: () => Promise.reject(new Error('the thread has ended')) }
  const numberless = {
    control: async () => ({ gates: { semantic: NaN } as Record<Gate, number>, experts: [], uncertainty: 0 }),
  }
  for (const more of [broken, numberless]) {
    const { server } = await reading(saying({}, more))
    await respond(server, CODE)
    expect(gatesOf(await respond(server, QUESTION))).toMatchObject({ by: 'threshold', semantic: { open: true } })
  }
})

describe('a gate that is forced changes what it says and nothing else', () => {
  const options = {
    verify: 'annotate',
    exit: measuredExit({ after: 3, agreement: 0.9 }, { draft: 0.2, verify: 0.1 }, 15),
  } as const

  test.each(['semantic', 'episodic', 'verification', 'early_exit'] as const)('%s', async (gate) => {
    const { server, read } = await reading(options)
    await respond(server, `${CODE} ${POEM}`)
    const ask = async (gates: Json): Promise<{ response: Json; prompt: string }> => {
      read.length = 0
      const response = await respond(server, 'Is my locker code something for sailing to Lisbon?', {
        store: false,
        ...forcing(gates),
      })
      return { response, prompt: read[0]! }
    }
    const others = Object.fromEntries(
      GATES.filter((one) => one !== gate && one !== 'expert_bias').map((one) => [one, true]),
    )
    const [open, shut] = [await ask({ ...others, [gate]: true }), await ask({ ...others, [gate]: false })]
    expect(gatesOf(open.response)[gate]).toMatchObject({ open: true, by: 'forced' })
    expect(gatesOf(shut.response)[gate]).toMatchObject({ open: false, by: 'forced' })
    for (const other of Object.keys(others))
      expect(gatesOf(open.response)[other]).toEqual(gatesOf(shut.response)[other])
    const seen = ({ response: { usage }, prompt }: typeof open) => ({
      semantic: usage.mneme.memory.entries.length > 0,
      episodic: usage.mneme.memory.turns.length > 0 && prompt.includes(POEM),
      verification: usage.mneme.verification !== undefined,
      early_exit: usage.mneme.early_exit !== undefined,
    })
    expect(seen(open)).toEqual({ semantic: true, episodic: true, verification: true, early_exit: true })
    expect(seen(shut)).toEqual({ ...seen(open), [gate]: false })
  })

  test('expert_bias: the reply is another, and the conversation is rebuilt to the same bits', async () => {
    const { gating } = saying({})
    const server = await startTestServer({ memories: 'on', experts: 3, gating, keepStates: 1, stateBytes: 64 })
    const body = { max_output_tokens: 24, temperature: 0, logit_bias: { 256: -100, 258: -100 } }
    const output = (json: Json): string => json.output[0].content[0].text
    const first = await respond(server, 'Hello', { ...body, ...forcing({ expert_bias: true }) })
    const plain = await respond(server, 'Hello', { ...body, ...forcing({ expert_bias: false }) })
    expect(gatesOf(first).expert_bias).toMatchObject({ open: true, by: 'forced' })
    expect(output(first)).not.toBe(output(plain))
    // A prompt that is kept was read without a bias, and one that is read with it is not kept.
    const again = await respond(server, 'Hello', { ...body, ...forcing({ expert_bias: true }) })
    expect([output(again), again.usage.input_tokens_details.cached_tokens]).toEqual([output(first), 0])
    let last = await respond(server, 'And?', { ...body, previous_response_id: first.id })
    const expected = output(last)
    for (let i = 0; i < 4; i++) last = await respond(server, `Turn ${i}.`, { ...body, previous_response_id: last.id })
    const fork = await respond(server, 'And?', { ...body, previous_response_id: first.id })
    expect(fork.usage.mneme).toMatchObject({ resumed_from: 'replay', rebuilt: 'identical' })
    expect(output(fork)).toBe(expected)
  })

  test('a bias that nobody can give is refused in a sentence', async () => {
    for (const [given, message] of [
      [{}, /fake has no experts that take a bias/],
      [{ experts: 2, ...saying({}) }, /no controller is served that has a bias for the 2 experts of fake/],
    ] as const) {
      const { server } = await reading(given)
      const { status, json } = await server.post('/v1/responses', {
        model: 'fake',
        input: 'Hi',
        ...forcing({ expert_bias: true }),
      })
      expect([status, json.error.code, json.error.param]).toEqual([
        400,
        'expert_bias_unsupported',
        'mneme.gates.expert_bias',
      ])
      expect(json.error.message).toMatch(message)
    }
  })
})

describe('turns of other conversations', () => {
  const open = forcing({ episodic: true })

  test('are quoted once the gate is open, without what a memory says already', async () => {
    const { server, read } = await reading()
    const { id } = await respond(server, `${POEM} ${CODE}`)
    read.length = 0
    const response = await respond(server, SAILING, open)
    expect(read[0]).toContain(`earlier conversations:\n- ${POEM} ${CODE}|`)
    expect(response.usage.mneme.memory.turns).toMatchObject([{ response_id: id, word_score: expect.any(Number) }])
    read.length = 0
    await respond(server, `${SAILING} And my locker code?`, {
      ...forcing({ episodic: true, semantic: true }),
      store: false,
    })
    expect(read[0]).toContain(`earlier conversations:\n- ${CODE}\n- ${POEM}|`)
    // Asked again in that conversation, the turn is no other conversation's.
    const same = await respond(server, SAILING, { ...open, previous_response_id: id, store: false })
    expect(same.usage.mneme.memory.turns.map(({ response_id: one }: Json) => one)).not.toContain(id)
  })

  test('do not make a reply to what was never told one that may stand', async () => {
    const { server } = await reading({ verify: 'quote' })
    await respond(server, `${POEM} My locker is the red one.`)
    const response = await respond(server, QUESTION, open)
    expect(response.usage.mneme.memory.turns).toHaveLength(1)
    expect(response.output[0].content[0].text).toMatch(/^You have not told me/)
  })

  test('are what a reply may rest on', async () => {
    const reply = 'To Lisbon.'
    const next = (history: readonly number[]): number =>
      reply.charCodeAt(history.length - 1 - history.lastIndexOf(258)) || 256
    const server = await startTestServer({ memories: 'on', append: true, verify: 'quote', next })
    await respond(server, POEM)
    for (const [more, served] of [
      [open, /^To Lisbon\.$/],
      [{}, /^You have not told me/],
    ] as const)
      expect((await respond(server, SAILING, { ...more, store: false })).output[0].content[0].text).toMatch(served)
  })

  test('are read by default only from a threshold on that the configuration gives', async () => {
    for (const [thresholds, count] of [
      [{}, 0],
      [{ episodic: 0.3 }, 1],
      [{ episodic: 1 }, 0],
    ] as const) {
      const { server } = await reading({ gating: { controller: null, refused: null, thresholds } })
      await respond(server, POEM)
      const { memory, gates } = (await respond(server, 'Where was I sailing to with Anna?')).usage.mneme
      expect([memory.turns.length, gates.episodic.open]).toEqual([count, count > 0])
    }
  })

  test('never are of another tenant or user', async () => {
    const [ann, bob] = ['ann', 'bob'].map((key) => ({ authorization: `Bearer ${key}` }))
    const { server, read } = await reading({ keys: ['ann', 'bob'] })
    await respond(server, POEM, { safety_identifier: 'x' }, ann)
    read.length = 0
    for (const [body, headers] of [
      [{ safety_identifier: 'x' }, bob],
      [{ safety_identifier: 'y' }, ann],
      [{}, ann],
    ] as const) {
      const response = await respond(server, SAILING, { ...open, ...body, store: false }, headers)
      expect(response.usage.mneme.memory.turns).toEqual([])
    }
    expect(read.join()).not.toContain(POEM)
    expect(
      (await respond(server, SAILING, { ...open, safety_identifier: 'x' }, ann)).usage.mneme.memory.turns,
    ).toHaveLength(1)
  })

  test('end with the turn, and its receipt names the replies that have read it', async () => {
    const { server, read } = await reading()
    const { id } = await respond(server, POEM)
    const reader = await respond(server, SAILING, open)
    const answer = await server.request('DELETE', `/v1/responses/${id}`)
    expect(((await answer.json()) as Json).receipt.repeated_by).toEqual([reader.id])
    read.length = 0
    const after = await respond(server, SAILING, { ...open, store: false })
    expect(after.usage.mneme.memory.turns.map(({ response_id: one }: Json) => one)).not.toContain(id)
    expect(read.join()).not.toContain(POEM)
  })

  test.each(['corrected', 'withdrawn', 'deleted'])(
    'what was %s is not brought back by the turn that told it',
    async (how) => {
      const { server, read } = await reading()
      await respond(server, `Can you write me a poem for sailing? ${CODE}`)
      const { data } = (await (await server.request('GET', '/v1/memories')).json()) as Json
      if (how === 'corrected') await respond(server, 'My locker code is 9318.')
      if (how === 'withdrawn') await respond(server, 'Forget my locker code.')
      if (how === 'deleted') await server.request('DELETE', `/v1/memories/${data[0].id}`)
      read.length = 0
      await respond(server, 'Which locker code did I have when sailing?', {
        ...forcing({ episodic: true, semantic: false }),
        store: false,
      })
      expect(read[0]).toContain('- Can you write me a poem for sailing?')
      expect(read[0]).not.toContain('4071')
    },
  )
})

test('chats are decided the same way, and streams tell it where it was asked for', async () => {
  const { server, read } = await reading()
  await respond(server, POEM)
  read.length = 0
  const chat = { model: 'fake', messages: [{ role: 'user', content: SAILING }], ...forcing({ episodic: true }) }
  const { json } = await server.post('/v1/chat/completions', chat)
  expect(json.usage.mneme.gates.episodic).toMatchObject({ open: true, by: 'forced' })
  expect(read[0]).toContain(`- ${POEM}`)
  const stream = { model: 'fake', input: SAILING, stream: true, store: false, include: ['mneme.gates'] }
  const text = await (await server.request('POST', '/v1/responses', stream)).text()
  const event: Json = JSON.parse(/event: mneme:gates\ndata: (.*)\n/.exec(text)?.[1] ?? '{}')
  const last: Json = JSON.parse(/event: response\.completed\ndata: (.*)\n/.exec(text)?.[1] ?? '{}')
  expect(event.gates).toEqual(gatesOf(last.response))
})

describe('a controller of a bundle', () => {
  const log = createLog('silent')
  async function served(of: { bundle?: string; gates?: readonly number[] }) {
    const thread = startEmbedderThread(sibling('../../../server/embedding/worker', import.meta.url), log)
    onTestFinished(() => thread.close())
    const bundle = await loadBundle(await writeTinyEmbedder(temporaryFolder()))
    const embedders = await startEmbedders(
      [embedderSource(bundle)],
      thread,
      configSchema.parse({}),
      new MemoryBudget(null),
    )
    const { name, width } = embedders[0]!
    const embedder = { name, width, bundle: of.bundle ?? bundle.id }
    const folder = await writeTinyController(join(temporaryFolder(), 'controller'), temporaryFolder(), {
      embedder,
      ...(of.gates && { says: { gates: of.gates } }),
    })
    const source = controllerSource(await loadBundle(folder))
    return { embedders, source, start: () => startController(source, embedders, thread, { semantic: 0.9 }) }
  }

  test("runs in the embedders' thread on the vector of the message", async () => {
    // Early exit, episodic, semantic, expert bias, verification: before a sigmoid.
    const { embedders, start } = await served({ gates: [0, 0, 2, 0, 3] })
    const gating = await start()
    const { server } = await reading({ embedders, gating })
    await respond(server, CODE)
    const { semantic, verification } = gatesOf(await respond(server, QUESTION))
    // The threshold of the configuration goes before that of the bundle.
    expect(semantic).toEqual({
      open: false,
      by: 'controller',
      probability: expect.closeTo(0.880_797, 5),
      threshold: 0.9,
    })
    expect(verification).toMatchObject({ probability: expect.closeTo(0.952_574, 5), threshold: 0.5 })
  })

  test('that was made for another embedder is not used, and /version says why', async () => {
    const { start, embedders } = await served({ bundle: 'cd'.repeat(32) })
    const gating = await start()
    expect(gating.controller).toBeNull()
    const { server } = await reading({ embedders, gating })
    const version = (await (await server.request('GET', '/version')).json()) as Json
    expect(version.gates).toMatchObject({ by: 'threshold', controller: null })
    expect(version.gates.refused).toMatch(/reads vectors of tiny-embedder cdcdcdcdcdcd, .*decided by thresholds/)
  })

  test('whose graph cannot be opened stops the start with a sentence', async () => {
    const { start, source } = await served({})
    await writeFile(join(source.folder, 'controller.onnx'), 'no graph')
    await expect(start()).rejects.toThrow(
      /the controller controller cannot be opened: .*controller\.onnx: expected \d+ bytes/,
    )
  })
})
