/** Conversations as OpenAI's own client makes them: a turn goes on from the one before and reads its new tokens only. */
import OpenAI, { APIError } from 'openai'
import { expect, test } from 'vitest'
import { editDatabase } from '../../support/edit-database.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type TestOptions } from '../../support/test-server.ts'

const model = 'fake'

/** A server whose model remembers every token, and a client of it. */
async function talking(options: TestOptions = {}) {
  const server = await startTestServer({ append: true, ...options })
  const url = await server.listen()
  const client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 })
  const say = async (conversation: string | { id: string }, input: string) =>
    client.responses.create({ model, input, conversation, temperature: 0, max_output_tokens: 6 })
  const texts = async (id: string) => {
    const items = await client.conversations.items.list(id, { order: 'asc', limit: 100 })
    return items.data.map((item) => ('content' in item ? (item.content as { text: string }[])[0]?.text : item.type))
  }
  return { server, client, url, say, texts }
}

const refusal = async (asked: PromiseLike<unknown>): Promise<APIError> => {
  const error = await Promise.resolve(asked).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof APIError) return error
  throw new Error(`expected a refusal, got ${String(error)}`)
}

test('turns of a conversation go on from each other, and read their new tokens only', async () => {
  const { client, say } = await talking()
  const conversation = await client.conversations.create({ metadata: { topic: 'tea' } })
  expect(conversation).toMatchObject({ object: 'conversation', metadata: { topic: 'tea' } })
  const first = await say(conversation.id, 'I like tea.')
  const second = await say({ id: conversation.id }, 'And cake.')
  expect(first.conversation).toEqual({ id: conversation.id })
  expect(second.previous_response_id).toBeNull()
  expect(second.usage?.input_tokens_details.cached_tokens).toBe(first.usage!.total_tokens - 1)
  // The same as by id.
  const byId = await client.responses.create({
    model,
    input: 'And cake.',
    previous_response_id: first.id,
    temperature: 0,
    max_output_tokens: 6,
  })
  expect(byId.output_text).toBe(second.output_text)
  // A branch by id is not what the conversation goes on from.
  const third = await say(conversation.id, 'What do I like?')
  expect(third.usage?.input_tokens_details.cached_tokens).toBe(second.usage!.total_tokens - 1)
})

test('items that are added are read by the next turn, before its own input, once', async () => {
  const { client, say, texts } = await talking()
  const { id } = await client.conversations.create({
    items: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'My name is Zoë.' },
    ],
  })
  const added = await client.conversations.items.create(id, {
    items: [{ type: 'message', role: 'assistant', content: 'Hello Zoë.' }],
  })
  expect(added.data).toHaveLength(1)
  const reply = await say(id, 'What is my name?')
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'My name is Zoë.' },
    { role: 'assistant', content: 'Hello Zoë.' },
    { role: 'user', content: 'What is my name?' },
  ] as const
  const whole = await client.responses.create({ model, input: [...messages], temperature: 0, max_output_tokens: 6 })
  expect(reply.output_text).toBe(whole.output_text)
  expect(reply.usage?.input_tokens).toBe(whole.usage?.input_tokens)
  const next = await say(id, 'Thanks.')
  const again = await client.responses.create({
    model,
    input: 'Thanks.',
    previous_response_id: whole.id,
    temperature: 0,
    max_output_tokens: 6,
  })
  expect(next.output_text).toBe(again.output_text)
  expect(await texts(id)).toEqual([
    ...messages.map(({ content }) => content),
    reply.output_text,
    'Thanks.',
    next.output_text,
  ])
})

test('its items are listed by page, read one by one, and taken out until a turn has read them', async () => {
  const { client, say } = await talking()
  const { id } = await client.conversations.create({ items: [{ role: 'user', content: 'a' }] })
  const answered = await say(id, 'b')
  const { data } = await client.conversations.items.create(id, {
    items: [
      { role: 'user', content: 'c' },
      { role: 'user', content: 'd' },
    ],
  })
  const all = []
  for await (const item of client.conversations.items.list(id, { limit: 2 })) all.push(item)
  expect(all).toHaveLength(5)
  expect(all.slice(0, 2).map(({ id: item }) => item)).toEqual(data.map(({ id: item }) => item).toReversed())
  const read = all[4] as { id: string }
  expect(await client.conversations.items.retrieve(read.id, { conversation_id: id })).toMatchObject({
    role: 'user',
    content: [{ type: 'input_text', text: 'a' }],
  })
  await client.conversations.items.delete(data[0]!.id!, { conversation_id: id })
  expect((await client.conversations.items.list(id)).data).toHaveLength(4)
  const refused = await refusal(client.conversations.items.delete(read.id, { conversation_id: id }))
  expect(refused).toMatchObject({ status: 400, code: 'item_was_read' })
  expect(refused.message).toContain(answered.id)
  expect(await refusal(client.conversations.items.list(id, { after: 'msg_none' }))).toMatchObject({
    status: 400,
    param: 'after',
  })
  expect(await refusal(client.conversations.items.retrieve('msg_none', { conversation_id: id }))).toMatchObject({
    status: 404,
  })
})

test('a deleted conversation is gone with its turns, and one that is being answered does not come back', async () => {
  const { server, client, say } = await talking({ delayMs: 10 })
  const empty = await client.conversations.create({ items: [{ role: 'user', content: 'nothing yet' }] })
  expect(await client.conversations.delete(empty.id)).toMatchObject({ deleted: true, object: 'conversation.deleted' })
  const { id } = await client.conversations.create()
  const { id: first } = await say(id, 'one')
  const stream = await client.responses.create({
    model,
    input: 'two',
    conversation: id,
    stream: true,
    max_output_tokens: 40,
  })
  const events = []
  for await (const event of stream) {
    if (events.length === 0) await client.conversations.delete(id)
    events.push(event)
  }
  expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { error: { code: 'deleted_meanwhile' } } })
  for (const gone of [id, empty.id]) {
    expect(await refusal(client.conversations.retrieve(gone))).toMatchObject({ status: 404 })
    expect(await refusal(say(gone, 'still there?'))).toMatchObject({ status: 404, param: 'conversation' })
  }
  expect(await refusal(client.responses.retrieve(first))).toMatchObject({ status: 404 })
  expect(await server.deps.store.statistics()).toMatchObject({ responses: 0, states: 0 })
})

test('one turn at a time: another gets 409, and neither is lost or mixed', async () => {
  const { client, say, texts } = await talking({ delayMs: 10 })
  const { id } = await client.conversations.create()
  const stream = await client.responses.create({
    model,
    input: 'one',
    conversation: id,
    stream: true,
    max_output_tokens: 40,
  })
  let refused: APIError | null = null
  let text = ''
  for await (const event of stream) {
    refused ??= await refusal(say(id, 'two'))
    if (event.type === 'response.output_text.done') text = event.text
  }
  expect(refused).toMatchObject({ status: 409, code: 'conversation_locked' })
  const { output_text: second } = await say(id, 'two')
  expect(await texts(id)).toEqual(['one', text, 'two', second])
})

test('what a conversation goes on from survives a restart; where its last turn was deleted, the one before', async () => {
  const folder = temporaryFolder()
  const before = await talking({ folder })
  const { id } = await before.client.conversations.create()
  const first = await before.say(id, 'one')
  const second = await before.say(id, 'two')
  await before.client.responses.delete(second.id)
  await before.client.conversations.items.create(id, { items: [{ role: 'user', content: 'two and a half' }] })
  await before.server.close()
  const { client, say, texts } = await talking({ folder })
  expect(await client.conversations.retrieve(id)).toMatchObject({ last_response_id: first.id })
  const third = await say(id, 'three')
  expect(third.usage?.input_tokens_details.cached_tokens).toBe(first.usage!.total_tokens - 1)
  expect(await texts(id)).toEqual(['one', first.output_text, 'two and a half', 'three', third.output_text])
})

test('a conversation that began without one goes on by the id that the list shows', async () => {
  const { client, say, server } = await talking()
  const first = await client.responses.create({ model, input: 'one', temperature: 0, max_output_tokens: 6 })
  const list = (await (await server.request('GET', '/v1/conversations')).json()) as { data: { id: string }[] }
  const [{ id }] = list.data as [{ id: string }]
  const second = await say(id, 'two')
  expect(second.usage?.input_tokens_details.cached_tokens).toBe(first.usage!.total_tokens - 1)
  expect(await client.conversations.update(id, { metadata: { name: 'first' } })).toMatchObject({
    metadata: { name: 'first' },
  })
  expect(await client.conversations.retrieve(id)).toMatchObject({
    metadata: { name: 'first' },
    last_response_id: second.id,
  })
})

test('what does not go together is refused by name', async () => {
  const { client, say } = await talking()
  const { id } = await client.conversations.create()
  const { id: response } = await say(id, 'one')
  const both = client.responses.create({ model, input: 'two', conversation: id, previous_response_id: response })
  expect(await refusal(both)).toMatchObject({ status: 400, param: 'previous_response_id' })
  const unstored = client.responses.create({ model, input: 'two', conversation: id, store: false })
  expect(await refusal(unstored)).toMatchObject({ status: 400, param: 'store' })
  expect(await refusal(say('conv_none', 'x'))).toMatchObject({ status: 404, param: 'conversation' })
  const many = Array.from({ length: 21 }, () => ({ role: 'user' as const, content: 'x' }))
  expect(await refusal(client.conversations.create({ items: many }))).toMatchObject({ status: 400, param: 'items' })
  // A refused turn leaves the conversation open.
  await say(id, 'two')
})

test('a damaged conversation is told of, its responses stay, and it can be deleted', async () => {
  const folder = temporaryFolder()
  const before = await talking({ folder })
  const { id } = await before.client.conversations.create({ metadata: { topic: 'tea' } })
  const { id: first } = await before.say(id, 'one')
  await before.server.close()
  editDatabase(folder, "UPDATE api_object SET body = replace(CAST(body AS TEXT), 'tea', 'TEA')")
  const { client, say, server } = await talking({ folder })
  expect(await refusal(say(id, 'two'))).toMatchObject({ status: 500, code: 'storage_corrupt' })
  expect((await server.request('GET', '/v1/conversations')).status).toBe(200)
  expect((await client.responses.retrieve(first)).id).toBe(first)
  expect(await client.conversations.delete(id)).toMatchObject({ deleted: true })
  expect(await refusal(client.responses.retrieve(first))).toMatchObject({ status: 404 })
})
