/** Turns that read memories and are remembered: what a user tells in one conversation is read in another. */
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../support/temporary.ts'
import { TextError } from '../../../runtime/text.ts'
import { byteCodec } from '../../support/fake-model.ts'
import { letters } from '../../support/letters-embedder.ts'
import { startTestServer, type Json, type TestOptions, type TestServer } from '../../support/test-server.ts'

const NOTES = 'Notes about the user from earlier conversations:'
const CODE = 'My locker code is 4071.'

/** A server whose model answers "ok", and what it had read when it began to. */
async function remembering(options: TestOptions = {}): Promise<{ server: TestServer; read: string[] }> {
  const read: string[] = []
  const next = (history: readonly number[]): number => {
    const text = textOf(history)
    if (text.endsWith('<reply>')) read.push(text)
    return text.endsWith('<reply>') ? 'o'.charCodeAt(0) : text.endsWith('<reply>o') ? 'k'.charCodeAt(0) : 256
  }
  return { server: await startTestServer({ memories: 'on', append: true, next, ...options }), read }
}

const textOf = (ids: readonly number[]): string =>
  ids
    .map((id) =>
      id < 256 ? String.fromCharCode(id) : { 256: '<end>', 257: '<user>', 258: '<reply>', 259: '<system>' }[id],
    )
    .join('')

const respond = async (server: TestServer, body: Json, headers?: Record<string, string>): Promise<Json> => {
  const { status, json } = await server.post('/v1/responses', { model: 'fake', ...body }, headers)
  expect([status, json.error]).toEqual([200, null])
  return json
}
const memoryOf = (response: Json): Json => response.usage.mneme.memory
const listed = async (server: TestServer, headers?: Record<string, string>): Promise<string[]> => {
  const { data } = (await (await server.request('GET', '/v1/memories', undefined, headers)).json()) as Json
  return data.map(({ text, ended_at: ended }: Json) => (ended === null ? text : `(${text})`))
}

test('what a user tells in one conversation is read in another, and the usage says which memory and why', async () => {
  const { server, read } = await remembering()
  const first = await respond(server, { input: `Hello! ${CODE} See you.` })
  const { written } = memoryOf(first)
  expect(written).toHaveLength(1)
  read.length = 0
  const second = await respond(server, { input: 'What is my locker code?' })
  expect(read[0]).toBe(`<system>${NOTES}\n- ${CODE}<end><user>What is my locker code?<end><reply>`)
  expect(memoryOf(second)).toMatchObject({
    gates: { semantic: { open: true, forced: false, topic: 1, overlap: 1, answer: 1 } },
    entries: [{ id: written[0], topic_score: 1 }],
    notes: { place: 'system', tokens: `<${NOTES}\n- ${CODE}<`.length },
  })
  const memory = (await (await server.request('GET', `/v1/memories/${written[0]}`)).json()) as Json
  const [start, end] = [`Hello! `.length, `Hello! ${CODE}`.length]
  expect(memory).toMatchObject({
    text: CODE,
    fact: { subject: 'user', attribute: 'locker code', value: '4071' },
    source: { response_id: first.id, conversation: first.id, start, end },
  })
})

test('what is said twice is written once: every id of the usage is that of a memory', async () => {
  const { server } = await remembering()
  const rain = 'It rained on the way home.'
  const written: string[] = []
  for (const input of [CODE, rain, `${rain} ${rain}`, 'My bike code is 1. My bike code is 1.', CODE])
    written.push(...memoryOf(await respond(server, { input })).written)
  expect(await listed(server)).toEqual([CODE, 'My bike code is 1.', rain])
  const { data } = (await (await server.request('GET', '/v1/memories')).json()) as Json
  const ids = data.map(({ id }: Json) => id)
  // The code was told again, by another response: that memory took the place of the first.
  expect(written.slice(1).toSorted()).toEqual(ids.toSorted())
})

test('of a sentence with several values each one is a memory, and the sentence is read once', async () => {
  const { server, read } = await remembering()
  const { written } = memoryOf(await respond(server, { input: "I'm allergic to peanuts and shellfish." }))
  const { data } = (await (await server.request('GET', '/v1/memories')).json()) as Json
  expect(data.map(({ fact }: Json) => fact.value).toSorted()).toEqual(['peanuts', 'shellfish'])
  expect(data.map(({ id }: Json) => id).toSorted()).toEqual(written.toSorted())
  read.length = 0
  const asked = await respond(server, { input: 'What am I allergic to?' })
  expect(read[0]?.split("I'm allergic to peanuts and shellfish.")).toHaveLength(2)
  expect(memoryOf(asked).entries).toHaveLength(1)
})

test('notes are read on a fork: the conversation goes on from what was said alone, also after it is rebuilt', async () => {
  const folder = temporaryFolder()
  const { server, read } = await remembering({ folder, keepStates: 1 })
  await respond(server, { input: CODE })
  const noted = await respond(server, { input: 'What is my locker code?' })
  const said = '<user>What is my locker code?<end><reply>ok<end>'
  const { second_reading: again } = memoryOf(noted)
  expect(again.tokens).toBe(
    textOf([257, ...Buffer.from('What is my locker code?'), 256, 258]).replaceAll(/<\w+>/g, '_').length + 2,
  )
  read.length = 0
  const next = await respond(server, { input: 'And then?', previous_response_id: noted.id })
  expect(read[0]).toBe(`${said}<user>And then?<end><reply>`)
  let last = next
  for (let i = 0; i < 4; i++) last = await respond(server, { input: `Turn ${i}.`, previous_response_id: last.id })
  read.length = 0
  const fork = await respond(server, { input: 'And then?', previous_response_id: noted.id })
  expect(fork.usage.mneme).toMatchObject({ resumed_from: 'replay', rebuilt: 'identical' })
  expect(read[0]).toBe(`${said}<user>And then?<end><reply>`)
})

test('a turn that nobody can go on from is not read again without its notes', async () => {
  const { server } = await remembering()
  await respond(server, { input: CODE })
  const noted = await respond(server, { input: 'What is my locker code?', store: false })
  expect(memoryOf(noted)).toMatchObject({ entries: [{}], second_reading: null })
})

test('within a conversation that goes on, notes stand before the last message, and what is repeated is not noted', async () => {
  const { server, read } = await remembering()
  await respond(server, { input: CODE })
  const hello = await respond(server, { input: 'Hi' })
  expect(memoryOf(hello)).toMatchObject({ gates: { semantic: { open: false } }, entries: [], notes: null })
  read.length = 0
  await respond(server, { input: 'What is my locker code?', previous_response_id: hello.id })
  const before = '<user>Hi<end><reply>ok<end>'
  expect(read[0]).toBe(`${before}<system>${NOTES}\n- ${CODE}<end><user>What is my locker code?<end><reply>`)
  const again = await respond(server, { input: `${CODE} What is my locker code?` })
  expect(memoryOf(again).entries).toEqual([])
})

test('notes join the instructions, and stand in the message of the user where the template takes no system message', async () => {
  const { server, read } = await remembering()
  await respond(server, { input: CODE })
  read.length = 0
  await respond(server, { input: 'What is my locker code?', instructions: 'Be brief.' })
  expect(read[0]).toBe(`<system>Be brief.\n\n${NOTES}\n- ${CODE}<end><user>What is my locker code?<end><reply>`)
  const codec: typeof byteCodec = {
    ...byteCodec,
    chat(messages, options) {
      if (messages.some(({ role }) => role === 'system')) throw new TextError('System messages are not supported')
      return byteCodec.chat(messages, options)
    },
  }
  const strict = await remembering({ codec })
  await respond(strict.server, { input: CODE })
  const noted = await respond(strict.server, { input: 'What is my locker code?' })
  expect(strict.read.at(-1)).toBe(`<user>${NOTES}\n- ${CODE}\n\nWhat is my locker code?<end><reply>`)
  expect(memoryOf(noted).notes.place).toBe('user')
})

test('a correction takes the place of what was told; the old sentence is kept, marked, and not read', async () => {
  const { server, read } = await remembering()
  await respond(server, { input: CODE })
  const corrected = await respond(server, { input: 'My locker code is 9318.' })
  expect(memoryOf(corrected)).toMatchObject({ written: [expect.any(String)], ended: [expect.any(String)] })
  expect(await listed(server)).toEqual(['My locker code is 9318.', `(${CODE})`])
  read.length = 0
  await respond(server, { input: 'What is my locker code?' })
  expect(read[0]).toContain(`${NOTES}\n- My locker code is 9318.<end>`)
  const found = async (body: Json): Promise<string[]> =>
    (await server.post('/v1/memories/search', { query: 'locker code', ...body })).json.data.map(
      ({ text }: Json) => text,
    )
  expect(await found({})).toEqual(['My locker code is 9318.'])
  expect(await found({ include_ended: true })).toHaveLength(2)
  // Told again, the first one holds again.
  await respond(server, { input: CODE })
  expect(await listed(server)).toEqual([CODE, '(My locker code is 9318.)'])
})

test('a request turns memory off, to reading only, or to other memories; nothing of an unstored turn is remembered', async () => {
  const { server } = await remembering()
  const memory = (options: Json): Json => ({ mneme: { memory: options } })
  await respond(server, { input: CODE, store: false })
  await respond(server, { input: CODE, ...memory({ mode: 'off' }) })
  await respond(server, { input: CODE, ...memory({ mode: 'read' }) })
  expect(await listed(server)).toEqual([])
  await respond(server, { input: CODE, ...memory({ namespace: 'work' }), metadata: { user_id: 'ann' } })
  const question = { input: 'What is my locker code?' }
  const entries = async (body: Json): Promise<number> =>
    memoryOf(await respond(server, { ...question, ...body })).entries.length
  expect(await entries({})).toBe(0)
  expect(await entries(memory({ namespace: 'work' }))).toBe(0)
  expect(await entries({ ...memory({ namespace: 'work' }), safety_identifier: 'bob' })).toBe(0)
  expect(await entries({ ...memory({ namespace: 'work' }), safety_identifier: 'ann' })).toBe(1)
  expect(await entries({ ...memory({ namespace: 'work', user_id: 'ann' }), safety_identifier: 'bob' })).toBe(1)
  const off = await respond(server, { ...question, ...memory({ mode: 'off' }) })
  expect(memoryOf(off)).toBeUndefined()
})

test('the gate can be forced by the request', async () => {
  const { server } = await remembering()
  await respond(server, { input: CODE })
  const [open, closed] = [true, false].map((semantic) => ({ mneme: { gates: { semantic } } }))
  const forced = await respond(server, { input: 'Is code poetry?', ...open })
  expect(memoryOf(forced)).toMatchObject({ gates: { semantic: { open: true, forced: true } }, notes: {} })
  const shut = await respond(server, { input: 'What is my locker code?', ...closed })
  expect(memoryOf(shut)).toMatchObject({ gates: { semantic: { open: false, forced: true } }, entries: [] })
})

test('deleting a response deletes what was taken from it; another tenant reads neither', async () => {
  const [ann, bob] = ['ann', 'bob'].map((key) => ({ authorization: `Bearer ${key}` }))
  const { server } = await remembering({ keys: ['ann', 'bob'] })
  const { id } = await respond(server, { input: CODE }, ann)
  expect(memoryOf(await respond(server, { input: 'What is my locker code?' }, bob)).entries).toEqual([])
  expect(await listed(server, bob)).toEqual([])
  await server.request('DELETE', `/v1/responses/${id}`, undefined, ann)
  expect(await listed(server, ann)).toEqual([])
  expect(memoryOf(await respond(server, { input: 'What is my locker code?' }, ann)).entries).toEqual([])
})

test('chat completions read memories, and remember the last message of the user where they are stored', async () => {
  const { server, read } = await remembering()
  const chat = async (body: Json): Promise<Json> =>
    (await server.post('/v1/chat/completions', { model: 'fake', ...body })).json
  const user = (content: string): Json => ({ messages: [{ role: 'user', content }] })
  await chat(user(CODE))
  expect(await listed(server)).toEqual([])
  await chat({ ...user(CODE), store: true })
  expect(await listed(server)).toEqual([CODE])
  read.length = 0
  const answer = await chat(user('What is my locker code?'))
  expect(read[0]).toBe(`<system>${NOTES}\n- ${CODE}<end><user>What is my locker code?<end><reply>`)
  expect(answer.usage.mneme.memory.entries).toHaveLength(1)
  // A client that sends the conversation again goes on from the turns before, never from a state that has read notes.
  read.length = 0
  const messages = [
    ...user('What is my locker code?').messages,
    { role: 'assistant', content: 'ok' },
    { role: 'user', content: 'Thanks' },
  ]
  await chat({ messages })
  expect(read[0]).toBe('<user>What is my locker code?<end><reply>ok<end><user>Thanks<end><reply>')
})

test('a streamed reply with notes is stored like any other', async () => {
  const { server } = await remembering()
  await respond(server, { input: CODE })
  const answer = await server.request('POST', '/v1/responses', {
    model: 'fake',
    input: 'What is my locker code?',
    stream: true,
  })
  const text = await answer.text()
  const last: Json = JSON.parse(/event: response\.completed\ndata: (.*)\n/.exec(text)?.[1] ?? '')
  expect(memoryOf(last.response)).toMatchObject({ entries: [{}], second_reading: { tokens: expect.any(Number) } })
  const stored = (await (await server.request('GET', `/v1/responses/${last.response.id}`)).json()) as Json
  expect(stored.usage).toEqual(last.response.usage)
})

describe('what a turn has embedded', () => {
  /** A server with an embedder, and the texts that it was given. */
  async function embedding() {
    const texts: unknown[] = []
    const embed: typeof letters.embed = (all, options) => {
      texts.push(...all)
      return letters.embed(all, options)
    }
    const { server } = await remembering({ embedders: [{ ...letters, embed }] })
    const similarity = async (path: string, query: string): Promise<number | null> => {
      const { json } = await server.post(path, { query })
      return json.data[0].similarity
    }
    return { server, texts, similarity }
  }

  test.each([
    ['a response', '/v1/responses', { input: CODE }],
    ['a chat completion', '/v1/chat/completions', { messages: [{ role: 'user', content: CODE }], store: true }],
  ])('the message of %s is embedded once, to search with and for what it tells', async (_, path, body) => {
    const { server, texts, similarity } = await embedding()
    await server.post(path, { model: 'fake', ...body })
    await expect.poll(() => similarity('/v1/memories/search', CODE)).toBeCloseTo(1, 5)
    expect(texts.slice(0, 2)).toEqual([CODE, CODE]) // the turn, then a search
    if (path === '/v1/responses') expect(await similarity('/v1/episodes/search', CODE)).toBeCloseTo(1, 5)
  })

  test('sentences of a message get vectors of their own, as many as there are', async () => {
    const { server, texts, similarity } = await embedding()
    const told = Array.from({ length: 9 }, (_, i) => `My locker${i} code is ${i}${i}.`)
    await respond(server, { input: told.join(' ') })
    for (const text of told) await expect.poll(() => similarity('/v1/memories/search', text)).toBeCloseTo(1, 5)
    expect(texts.slice(0, 10)).toEqual([told.join(' '), ...told])
  })
})
