/** Replies that are checked against what their user has told. */
import { expect, onTestFinished, test } from 'vitest'
import { openSmallTalk } from '../../support/bundled-small-talk.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const CODE = 'My locker code is 4071.'
const QUESTION = 'What is my locker code?'

/** A server whose model answers questions with `answers` in turn, the last one over and over, and anything else with "ok". */
async function answering(...answers: string[]): Promise<{ server: TestServer; read: string[] }> {
  return answeringWith({}, ...answers)
}

async function answeringWith(
  options: Pick<Parameters<typeof startTestServer>[0] & object, 'knowsOnlyTold' | 'smallTalk'>,
  ...answers: string[]
): Promise<{ server: TestServer; read: string[] }> {
  const read: string[] = []
  let answer = ''
  const next = (history: readonly number[]): number => {
    const at = history.lastIndexOf(258)
    const prompt = Buffer.from(history.slice(0, Math.max(0, at))).toString('latin1')
    const isQuestion = history.slice(history.lastIndexOf(257) + 1, at - 1).at(-1) === '?'.charCodeAt(0)
    if (at === history.length - 1) {
      read.push(prompt)
      if (isQuestion) answer = (answers.length > 1 ? answers.shift() : answers[0])!
    }
    const text = Buffer.from(isQuestion ? answer : 'ok')
    return text[history.length - 1 - at] ?? 256
  }
  return { server: await startTestServer({ memories: 'on', verify: 'annotate', append: true, next, ...options }), read }
}

const respond = async (
  server: TestServer,
  input: string,
  options: Json = {},
): Promise<{ status: number; json: Json }> =>
  server.post('/v1/responses', { model: 'fake', input, max_output_tokens: 60, ...options })
const textOf = (json: Json): string => json.output[0].content[0].text
const verificationOf = (json: Json): Json => json.usage.mneme.verification
const policy = (verify: string): Json => ({ mneme: { verify } })

test('the usage says of each sentence whether it is what the user told, and what it rests on', async () => {
  const { server } = await answering('Your locker code is 4071. Paris is nice.')
  const told = await respond(server, CODE)
  const [memory] = told.json.usage.mneme.memory.written
  const { json } = await respond(server, QUESTION)
  expect(verificationOf(json)).toMatchObject({
    policy: 'annotate',
    action: 'keep',
    result: 'supported',
    verdicts: [
      { verdict: 'supported', memories: [memory], start: 0, end: 25, invented: false },
      { verdict: 'unchecked', memories: [], invented: false },
    ],
  })
})

test('the verdicts are an item of the output and in the metadata where that is asked for', async () => {
  const { server } = await answering('Your locker code is 4017.')
  await respond(server, CODE)
  const { json } = await respond(server, QUESTION, { include: ['mneme.verification'], metadata: { by: 'ann' } })
  expect(json.output).toMatchObject([
    { type: 'message' },
    { type: 'mneme:verification', status: 'completed', result: 'contradicted', action: 'keep' },
  ])
  expect(json.metadata).toEqual({ by: 'ann', mneme_verification: 'contradicted; 1:contradicted' })
  const next = await respond(server, 'Fine.', { previous_response_id: json.id })
  expect([next.json.output.length, next.json.metadata]).toEqual([1, {}])
})

test('a wrong value is served as it is with annotate, and replaced by what was told with quote and abstain', async () => {
  const { server, read } = await answering('Your locker code is 4017.')
  await respond(server, CODE)
  const annotated = await respond(server, QUESTION)
  expect(textOf(annotated.json)).toBe('Your locker code is 4017.')
  expect(verificationOf(annotated.json)).toMatchObject({ action: 'keep', result: 'contradicted' })
  const quoted = await respond(server, QUESTION, policy('quote'))
  expect(textOf(quoted.json)).toBe(`You told me: "${CODE}"`)
  expect(verificationOf(quoted.json)).toMatchObject({ policy: 'quote', action: 'replaced', result: 'contradicted' })
  const abstained = await respond(server, QUESTION, policy('abstain'))
  expect(textOf(abstained.json)).toBe(`I am not sure: what you told me was "${CODE}"`)
  // The conversation goes on from what was served.
  read.length = 0
  await respond(server, 'Fine.', { previous_response_id: quoted.json.id })
  expect(read[0]).toContain(`You told me: "${CODE}"`)
  expect(read[0]).not.toContain('4017')
})

test('with retry another reply is made and served if nothing in it is wrong', async () => {
  const { server, read } = await answering('Your locker code is 4017.', 'It is 4071.')
  await respond(server, CODE)
  const { json } = await respond(server, QUESTION, policy('retry'))
  expect(textOf(json)).toBe('It is 4071.')
  expect(verificationOf(json)).toMatchObject({
    policy: 'retry',
    action: 'retried',
    result: 'contradicted',
    retry: { result: 'supported' },
  })
  // The conversation goes on from the reply that was served.
  read.length = 0
  await respond(server, 'Fine.', { previous_response_id: json.id })
  expect(read[0]).toContain('It is 4071.')
  expect(read[0]).not.toContain('4017')
})

test('with retry a second wrong reply is not served either, streamed or whole', async () => {
  const { server } = await answering('Your locker code is 4017.')
  await respond(server, CODE)
  const { json } = await respond(server, QUESTION, policy('retry'))
  expect(textOf(json)).toBe(`I am not sure: what you told me was "${CODE}"`)
  expect(verificationOf(json)).toMatchObject({ action: 'replaced', retry: { result: 'contradicted' } })
  const chat = { model: 'fake', messages: [{ role: 'user', content: QUESTION }], max_tokens: 60, stream: true }
  const text = await (await server.request('POST', '/v1/chat/completions', { ...chat, ...policy('retry') })).text()
  expect(text).toContain('I am not sure')
  expect(text).not.toContain('4017')
})

test('a sentence that the encoder fails at is an error, and the reply is not called supported', async () => {
  const { server } = await answering('Your locker code is 4071. You sail at night.')
  Object.assign(server.deps, { critic: { name: 'broken', judge: () => Promise.reject(new Error('it broke')) } })
  await respond(server, CODE)
  const { json } = await respond(server, QUESTION, { include: ['mneme.verification'] })
  expect(verificationOf(json)).toMatchObject({
    result: 'error',
    verdicts: [
      { verdict: 'supported' },
      { verdict: 'error', reason: 'it could not be checked: the encoder of the critic has failed' },
    ],
  })
  expect(json.metadata.mneme_verification).toBe('error; 1:supported 2:error')
})

test('what was never told is said to be, and a value for it is not served', async () => {
  const { server } = await answering('Your wifi password is swordfish.')
  const { json } = await respond(server, 'What is my wifi password?', policy('quote'))
  expect(textOf(json)).toBe('You have not told me your wifi password.')
  expect(verificationOf(json).verdicts).toMatchObject([{ verdict: 'unchecked', invented: true }])
})

test('with quote a correction is said again where the reply says nothing of it, and only where it is remembered', async () => {
  const { server } = await answering('Your locker code is 4071.')
  const corrected = 'My locker code is 9318 now, not 4071.'
  await respond(server, CODE)
  const unremembered = await respond(server, corrected, { mneme: { verify: 'quote', memory: { mode: 'read' } } })
  expect(textOf(unremembered.json)).toBe('ok')
  const { json } = await respond(server, corrected, policy('quote'))
  expect(textOf(json)).toBe(`I will remember: "${corrected}"`)
  expect(json.usage.mneme.memory.ended).toHaveLength(1)
  expect(textOf((await respond(server, corrected, policy('annotate'))).json)).toBe('ok')
})

test('a request that wants no memories read is not answered from them by the critic, unless it asks for the critic', async () => {
  const { server } = await answering('Your locker code is 4017.')
  await respond(server, CODE)
  const asked = (gates: Json) => respond(server, QUESTION, { mneme: { verify: 'quote', gates } })
  const without = await asked({ semantic: false })
  expect(textOf(without.json)).toBe('Your locker code is 4017.')
  expect(without.json.usage.mneme.gates.verification).toMatchObject({ open: false, by: 'unavailable' })
  const checked = await asked({ semantic: false, verification: true })
  expect(textOf(checked.json)).toBe(`You told me: "${CODE}"`)
})

test('what was told right after an answer and takes its place is quoted, across conversations', async () => {
  const { server } = await answering('I see.')
  await respond(server, 'Table for four at Chez Louise')
  await respond(server, 'make that seven, the in-laws are joining')
  const { json } = await respond(server, 'How many people is the Chez Louise table for?', policy('quote'))
  expect(textOf(json)).toMatch(/: "make that seven, the in-laws are joining"$/u)
})

test('where no rule has read what answers, the sentence that was found by its words is quoted', async () => {
  const { server } = await answering('Your wifi password is swordfish.')
  const statement = 'Behind the fridge hangs the wifi password, otter99.'
  await respond(server, statement)
  const { json } = await respond(server, 'What is my wifi password?', policy('quote'))
  expect(textOf(json)).toBe(`You told me: "${statement}"`)
})

test('what was told in the conversation counts as told where it is not remembered', async () => {
  const { server } = await answering('Your locker code is 4071.')
  const off = { mneme: { memory: { mode: 'read' }, verify: 'quote' } }
  const first = await respond(server, CODE, off)
  const { json } = await respond(server, QUESTION, { ...off, previous_response_id: first.json.id })
  expect(textOf(json)).toBe('Your locker code is 4071.')
  expect(verificationOf(json)).toMatchObject({ result: 'supported', verdicts: [{ memories: ['conversation'] }] })
  const other = await respond(server, QUESTION, off)
  expect(textOf(other.json)).toBe('You have not told me your locker code.')
})

test('chat completions are checked too, streamed or whole', async () => {
  const { server } = await answering('Your locker code is 4017.')
  const chat = (content: string, options: Json = {}): Json => ({
    model: 'fake',
    messages: [{ role: 'user', content }],
    max_tokens: 60,
    ...options,
  })
  await server.post('/v1/chat/completions', chat(CODE, { store: true }))
  const { json } = await server.post('/v1/chat/completions', chat(QUESTION, policy('quote')))
  expect(json.choices[0].message.content).toBe(`You told me: "${CODE}"`)
  expect(json.usage.mneme.verification).toMatchObject({ action: 'replaced', result: 'contradicted' })
  const annotated = await server.post('/v1/chat/completions', chat(QUESTION))
  expect(annotated.json.choices[0].message.content).toBe('Your locker code is 4017.')
  expect(annotated.json.usage.mneme.verification).toMatchObject({ action: 'keep', result: 'contradicted' })
  const options = { ...policy('quote'), stream: true, stream_options: { include_usage: true } }
  const text = await (await server.request('POST', '/v1/chat/completions', chat(QUESTION, options))).text()
  expect(text).toContain(`"content":${JSON.stringify(`You told me: "${CODE}"`)}`)
  expect(text).toContain('"action":"replaced"')
  expect(text).not.toContain('4017.')
  // What the messages of the request tell counts as told.
  const [asked] = chat(QUESTION, policy('quote')).messages
  const messages = [{ role: 'user', content: 'My locker code is 4017.' }, { role: 'assistant', content: 'ok' }, asked]
  const fresh = { model: 'fake', messages, max_tokens: 60, mneme: { verify: 'quote', memory: { namespace: 'other' } } }
  const told = await server.post('/v1/chat/completions', fresh)
  expect(told.json.choices[0].message.content).toBe('Your locker code is 4017.')
})

test('with rollback a turn whose reply is wrong has not happened', async () => {
  const { server } = await answering('Your locker code is 4017.')
  const told = await respond(server, CODE)
  const before = await server.deps.store.statistics()
  const { status, json } = await respond(server, QUESTION, {
    ...policy('rollback'),
    previous_response_id: told.json.id,
  })
  expect([status, json.error.code]).toEqual([422, 'reply_rejected'])
  expect(json.error.message).toContain('4071')
  expect(await server.deps.store.statistics()).toEqual(before)
})

test('nothing of a reply leaves the server before it is checked where another text may take its place', async () => {
  const { server } = await answering('Your locker code is 4017.')
  await respond(server, CODE)
  const streamed = async (verify: string): Promise<string> => {
    const body = { model: 'fake', input: QUESTION, max_output_tokens: 60, stream: true, ...policy(verify) }
    return (await server.request('POST', '/v1/responses', body)).text()
  }
  expect(await streamed('quote')).not.toContain('4017.')
  expect(await streamed('annotate')).toContain('Your locker code is 4017.')
  expect(await streamed('off')).not.toContain('verdicts')
})

test('a promise to remember is kept, or contradicted', async () => {
  const promise = 'Okay, I will remember that?'
  const { server } = await answering(promise)
  const kept = await respond(server, `${CODE} Right?`)
  expect(verificationOf(kept.json).verdicts).toMatchObject([{ verdict: 'supported' }])
  const empty = await respond(server, 'Hello there?')
  expect(verificationOf(empty.json).verdicts).toMatchObject([{ verdict: 'contradicted', memories: [] }])
  const replaced = await respond(server, 'Hello there?', policy('quote'))
  expect(textOf(replaced.json)).toBe('I only remember what you tell me about yourself.')
})

test('a model that knows only what it is told says so of the world, and that it keeps what it keeps', async () => {
  const reply = async (knowsOnlyTold: boolean, input: string, verify = 'quote'): Promise<string> => {
    const { server } = await answeringWith({ knowsOnlyTold }, 'It is Paris.')
    return textOf((await respond(server, input, policy(verify))).json)
  }
  const world = 'What is the capital of France?'
  expect(await reply(true, world)).toBe('You have not told me that. I only remember what you tell me about yourself.')
  expect(await reply(true, 'who wrote hamlet')).toBe('I only remember what you tell me about yourself.')
  expect(await reply(true, 'Hi')).toBe('Hello! I only remember what you tell me about yourself.')
  expect(await reply(true, CODE)).toBe('Okay, I will remember that.')
  expect(await reply(true, 'lol')).toBe('I see.')
  // Another model's replies stand, and so do all replies where nothing takes their place.
  expect(await reply(false, world)).toBe('It is Paris.')
  expect(await reply(true, world, 'annotate')).toBe('It is Paris.')
  expect(await reply(false, CODE)).toBe('ok')
})

test('small talk with a model that knows only what it is told is answered by a written reply that fits', async () => {
  const { smallTalk, close } = await openSmallTalk()
  onTestFinished(close)
  const reply = async (input: string, knowsOnlyTold = true, verify = 'quote'): Promise<string> => {
    const { server } = await answeringWith({ knowsOnlyTold, smallTalk }, 'It is Paris.')
    return textOf((await respond(server, input, policy(verify))).json)
  }
  expect(await reply('thanks a lot!')).toBe('You are welcome.')
  expect(await reply('How are you?')).toBe('I am fine, thank you. How are you?')
  expect(await reply("it's raining again")).toBe('I hope you stay dry.')
  expect(await reply('good night')).toBe('Good night. Sleep well.')
  expect(await reply('Tell me a joke')).toBe('I do not know any jokes. You can tell me one.')
  // What is told is kept, what is asked of the user is looked for, and other models speak for themselves.
  expect(await reply(CODE)).toBe('Okay, I will remember that.')
  expect(await reply('What is my locker code?')).toBe('You have not told me your locker code.')
  expect(await reply('wifi password')).toMatch(/^You have not told me that\./u)
  expect(await reply('How are you?', false)).toBe('It is Paris.')
  expect(await reply('How are you?', true, 'annotate')).toBe('It is Paris.')
})

test('a turn goes on where what answers small talk fails', async () => {
  const smallTalk = { name: 'broken', reply: () => Promise.reject(new Error('it broke')) }
  const { server } = await answeringWith({ knowsOnlyTold: true, smallTalk }, 'It is Paris.')
  expect(textOf((await respond(server, 'How are you?', policy('quote'))).json)).toBe(
    'I only remember what you tell me about yourself.',
  )
})

test('who may hurt themselves is told whom to turn to, whatever is kept', async () => {
  const { smallTalk, close } = await openSmallTalk()
  onTestFinished(close)
  const { server } = await answeringWith({ knowsOnlyTold: true, smallTalk }, 'ok')
  for (const input of ['I want to kill myself', 'i took too many pills'])
    expect(textOf((await respond(server, input, policy('quote'))).json)).toMatch(/^You matter\./u)
})

test('what is known of a user is what they told last, in their words', async () => {
  const { server } = await answeringWith({ knowsOnlyTold: true }, 'It is Paris.')
  const ask = async (input: string): Promise<string> => textOf((await respond(server, input, policy('quote'))).json)
  expect(await ask('What do you know about me?')).toBe('You have not told me anything about yourself yet.')
  await ask(CODE)
  await ask('My dog is called Rex.')
  expect(await ask('What do you know about me?')).toBe(`You told me: "${CODE}" "My dog is called Rex."`)
  expect(await ask('so what have I told you so far')).toContain('Rex')
  expect(await ask('What do you know about Paris?')).not.toContain('Rex')
})

test('"he" in a question is whom the question before named, in both APIs', async () => {
  const { server } = await answering('I see.')
  await respond(server, 'My brother lives in Tampa.')
  await respond(server, 'My uncle lives in Leeds.')
  const first = await respond(server, "How old is my brother's boat?", policy('quote'))
  const previous = { previous_response_id: first.json.id, ...policy('quote') }
  expect(textOf((await respond(server, 'Where does he live?', previous)).json)).toContain('Tampa')
  const messages = [
    { role: 'user', content: 'How old is my uncle?' },
    { role: 'assistant', content: 'I see.' },
    { role: 'user', content: 'Where does he live?' },
  ]
  const { json } = await server.post('/v1/chat/completions', { model: 'fake', messages, ...policy('quote') })
  expect(json.choices[0].message.content).toContain('Leeds')
})

test('what is said to a reply that has quoted a memory corrects just that, in both APIs', async () => {
  const { server } = await answering('I see.')
  for (const told of ['my physio is at 3 on monday with Greta', 'the spare key is at number 9'])
    await respond(server, told)
  const asked = 'What time is my physio?'
  const first = await respond(server, asked, policy('quote'))
  expect(textOf(first.json)).toContain('"my physio is at 3 on monday with Greta"')
  await respond(server, "it's 3:30", { previous_response_id: first.json.id })
  const answer = async (question: string): Promise<string> =>
    textOf((await respond(server, question, policy('quote'))).json)
  expect(await answer(asked)).toContain("it's 3:30")
  expect(await answer('Where is the spare key?')).toContain('number 9')
  const messages = [
    { role: 'user', content: asked },
    { role: 'assistant', content: await answer(asked) },
    { role: 'user', content: "no, it's 4:45" },
  ]
  await server.post('/v1/chat/completions', { model: 'fake', messages, store: true, max_tokens: 60 })
  expect(await answer(asked)).toContain('4:45')
  expect(await answer('Where is the spare key?')).toContain('number 9')
})

test('what was told answers where such a model says nothing at all', async () => {
  const { server } = await answeringWith({ knowsOnlyTold: true }, '')
  await respond(server, CODE, policy('quote'))
  const { json } = await respond(server, QUESTION, policy('quote'))
  expect(textOf(json)).toContain('4071')
  const messages = [{ role: 'user', content: QUESTION }]
  const chat = await server.post('/v1/chat/completions', { model: 'fake', messages, ...policy('quote') })
  expect(chat.json.choices[0].message.content).toContain('4071')
})
