/** The tool file_search: what files say is read before the reply, shown as the search that it was, and cited. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI, { APIError, toFile } from 'openai'
import type { ResponseCreateParamsNonStreaming, ResponseStreamEvent } from 'openai/resources/responses/responses'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json, type TestOptions } from '../../support/test-server.ts'

const WARRANTY = 'The kettle has a warranty of 24 months. It holds 1.7 litres.'
const GARDEN = 'Tomatoes need six hours of sun a day.'
const PASSAGES = 'Passages from files:'
const model = 'fake'

/** A server whose model answers `reply`, what it had read when it began to, and a vector store with two files. */
async function searching(reply: string, options: TestOptions = {}) {
  const read: string[] = []
  const next = (history: readonly number[]): number => {
    const at = history.lastIndexOf(258)
    if (at === history.length - 1) read.push(textOf(history))
    return [...Buffer.from(reply)][history.length - 1 - at] ?? 256
  }
  const server = await startTestServer({ append: true, next, ...options })
  const url = await server.listen()
  const client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 })
  const upload = async (name: string, text: string) =>
    client.files.create({ file: await toFile(Buffer.from(text), name), purpose: 'assistants' })
  const [kettle, garden] = [await upload('kettle.md', WARRANTY), await upload('garden.txt', GARDEN)]
  const store = await client.vectorStores.create({})
  await client.vectorStores.fileBatches.createAndPoll(store.id, {
    files: [{ file_id: kettle.id, attributes: { kind: 'manual' } }, { file_id: garden.id }],
  })
  const tool = { type: 'file_search' as const, vector_store_ids: [store.id] }
  return { server, client, url, read, kettle, garden, store, tool }
}

const textOf = (ids: readonly number[]): string =>
  ids
    .map((id) =>
      id < 256 ? String.fromCharCode(id) : { 256: '<end>', 257: '<user>', 258: '<reply>', 259: '<system>' }[id],
    )
    .join('')

const QUESTION = 'How long is the warranty of the kettle?'

test('pieces of files are read before the reply, and the output tells the search and cites the file', async () => {
  const { client, read, kettle, tool } = await searching('It is 24 months.')
  const response = await client.responses.create({ model, input: QUESTION, tools: [tool] })
  expect(read[0]).toContain(`<system>${PASSAGES}\n- kettle.md: ${WARRANTY}`)
  const [search, message] = response.output
  expect(search).toEqual({
    id: response.id.replace('resp_', 'fs_'),
    type: 'file_search_call',
    status: 'completed',
    queries: [QUESTION],
    results: null,
  })
  expect(message).toMatchObject({
    type: 'message',
    content: [
      {
        text: 'It is 24 months.',
        annotations: [{ type: 'file_citation', file_id: kettle.id, filename: 'kettle.md', index: 0 }],
      },
    ],
  })
  expect(response.output_text).toBe('It is 24 months.')
  expect(response.tools).toEqual([tool])
  expect((response.usage as Json).mneme.file_search).toEqual({ results: 1, read: 1 })
})

test('a reply that rests on nothing of what was read cites nothing, and without a tool or with "none" nothing is read', async () => {
  const { client, read, tool } = await searching('Good morning to everybody.')
  const response = await client.responses.create({ model, input: QUESTION, tools: [tool] })
  expect(response.output[1]).toMatchObject({ content: [{ annotations: [] }] })
  for (const request of [{}, { tools: [tool], tool_choice: 'none' as const }]) {
    const { output } = await client.responses.create({ model, input: QUESTION, ...request })
    expect(output.map(({ type }) => type)).toEqual(['message'])
    expect(read.at(-1)).toBe(`<user>${QUESTION}<end><reply>`)
  }
  for (const choice of ['required', { type: 'file_search' }] as const) {
    const { output } = await client.responses.create({ model, input: QUESTION, tools: [tool], tool_choice: choice })
    expect(output.map(({ type }) => type)).toEqual(['file_search_call', 'message'])
  }
})

test('results are told where they are included, filtered and bounded as the tool says', async () => {
  const { client, kettle, tool } = await searching('ok')
  const results = async (more: object, input = 'kettle, sun and tomatoes') => {
    const include = ['file_search_call.results' as const]
    const { output } = await client.responses.create({ model, input, include, tools: [{ ...tool, ...more }] })
    const [search] = output
    expect(search?.type).toBe('file_search_call')
    return search?.type === 'file_search_call' ? search.results : null
  }
  expect((await results({}))?.map(({ filename }) => filename).toSorted()).toEqual(['garden.txt', 'kettle.md'])
  expect(await results({ filters: { type: 'eq', key: 'kind', value: 'manual' } })).toEqual([
    { file_id: kettle.id, filename: 'kettle.md', attributes: { kind: 'manual' }, score: 1, text: WARRANTY },
  ])
  expect(await results({ max_num_results: 1 })).toHaveLength(1)
  expect(await results({ ranking_options: { score_threshold: 0.99 } })).toHaveLength(1)
  expect(await results({}, 'zebras')).toEqual([])
})

test("the official client's stream gives the same response, with the events of the search and the citation in order", async () => {
  const { client, tool } = await searching('It is 24 months.')
  const request = { model, input: QUESTION, tools: [tool], include: ['file_search_call.results' as const] }
  const whole = await client.responses.create(request)
  const events: ResponseStreamEvent[] = []
  const stream = client.responses.stream(request)
  for await (const event of stream) events.push(event)
  const final = await stream.finalResponse()
  const plain = (output: unknown): unknown =>
    JSON.parse(JSON.stringify(output, (key, value: unknown) => (['id', 'parsed'].includes(key) ? undefined : value)))
  expect(plain(final.output)).toEqual(plain(whole.output))
  const types = events.map(({ type }) => type).filter((type) => type !== 'response.output_text.delta')
  expect(types).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.file_search_call.in_progress',
    'response.file_search_call.searching',
    'response.file_search_call.completed',
    'response.output_item.done',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.annotation.added',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ])
  expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at))
  const [message] = final.output.filter(({ type }) => type === 'message')
  const added = events.find(({ type }) => type === 'response.output_text.annotation.added') as Json
  expect(added).toMatchObject({ item_id: message?.id, output_index: 1, content_index: 0, annotation_index: 0 })
  const [part] = message?.type === 'message' ? message.content : []
  expect(part?.type === 'output_text' ? part.annotations : []).toEqual([added.annotation])
})

test('what was read stays on a fork: the conversation goes on from what was said, and can be sent back whole', async () => {
  const { client, read, tool } = await searching('It is 24 months.')
  const first = await client.responses.create({ model, input: QUESTION, tools: [tool] })
  await client.responses.create({ model, input: 'And then?', previous_response_id: first.id })
  const said = `<user>${QUESTION}<end><reply>It is 24 months.<end>`
  expect(read.at(-1)).toBe(`${said}<user>And then?<end><reply>`)
  const history = [{ role: 'user' as const, content: QUESTION }, ...first.output]
  const input = [...history, { role: 'user' as const, content: 'And then?' }]
  await client.responses.create({ model, input } as ResponseCreateParamsNonStreaming)
  expect(read.at(-1)).toBe(`${said}<user>And then?<end><reply>`)
})

test('a vector store that is not there, or a tool that asks for what is not done, is refused by its name', async () => {
  const { client, tool } = await searching('ok')
  const refusal = async (tools: object[], more: object = {}): Promise<unknown[]> => {
    const request = { model, input: 'hi', tools, ...more } as ResponseCreateParamsNonStreaming
    const error = await client.responses.create(request).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(APIError)
    const { status, code, param } = error as APIError
    return [status, code, param]
  }
  const missing = { ...tool, vector_store_ids: ['vs_x'] }
  expect(await refusal([missing])).toEqual([404, 'vector_store_not_found', 'tools'])
  expect(await refusal([{ type: 'file_search' }])).toEqual([400, 'missing_parameter', 'tools[0].vector_store_ids'])
  expect(await refusal([{ ...tool, max_num_results: 0 }])).toEqual([400, 'invalid_value', 'tools[0].max_num_results'])
  expect(await refusal([tool, tool])).toEqual([400, 'invalid_value', 'tools'])
  expect(await refusal([{ type: 'web_search' }])).toEqual([400, 'unsupported_parameter', 'tools[0].type'])
  expect(await refusal([], { tool_choice: { type: 'file_search' } })).toEqual([400, 'invalid_value', 'tool_choice'])
  const weights = { hybrid_search: { embedding_weight: 1, text_weight: 0.5 } }
  expect(await refusal([{ ...tool, ranking_options: weights }])).toEqual([
    400,
    'unsupported_parameter',
    'tools[0].ranking_options.hybrid_search',
  ])
})

test('a memory that a reply rests on is cited by its URL, and is an item of its own where results are included', async () => {
  const reply = 'Good to hear from you. Your locker code is 4071.'
  const { client, url } = await searching(reply, { memories: 'on', verify: 'annotate' })
  const told = await client.responses.create({ model, input: 'My locker code is 4071.', max_output_tokens: 1 })
  const [id] = (told.usage as Json).mneme.memory.written
  const request = { model, input: 'What is my locker code?', max_output_tokens: 100 }
  const { output } = await client.responses.create(request)
  expect(output.map(({ type }) => type)).toEqual(['message'])
  const [message] = output
  const [part] = message?.type === 'message' ? message.content : []
  const annotations = part?.type === 'output_text' ? part.annotations : []
  expect(annotations).toEqual([
    {
      type: 'url_citation',
      url: `${url}/v1/memories/${id}`,
      title: expect.stringMatching(/^Memory of \d{4}-\d\d-\d\d$/),
      start_index: reply.indexOf('Your'),
      end_index: reply.length,
    },
  ])
  const memory = (await (await fetch((annotations[0] as Json).url)).json()) as Json
  expect(memory.text).toBe('My locker code is 4071.')
  const included = await client.responses.create({ ...request, include: ['file_search_call.results'] })
  expect(included.output[0]).toMatchObject({
    type: 'file_search_call',
    queries: [request.input],
    results: [{ file_id: id, filename: 'memory', text: memory.text, attributes: {} }],
  })
})

test('what was found is stored with no response: deleting the file deletes the last of it', async () => {
  const folder = temporaryFolder()
  const { client, tool, kettle } = await searching('ok', { folder })
  const include = ['file_search_call.results' as const]
  const response = await client.responses.create({ model, input: QUESTION, include, tools: [tool] })
  expect(JSON.stringify(response.output)).toContain('1.7 litres')
  const stored = await client.responses.retrieve(response.id)
  expect(stored.output[0]).toMatchObject({ type: 'file_search_call', queries: [QUESTION], results: null })
  await client.files.delete(kettle.id)
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes('1.7 litres'))
  expect(found).toBe(false)
})
