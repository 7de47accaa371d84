import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { describe, expect, test, onTestFinished, vi } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import { END } from '../support/fake-model.ts'
import { scripted } from '../support/scripted-model.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { startTestServer, type Json, type TestOptions } from '../support/test-server.ts'

/** A connection whose events are read one by one. */
async function connect(url: string, options: ClientOptions & { protocols?: string[] } = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`, options.protocols ?? [], options)
  onTestFinished(() => socket.terminate())
  const events: Json[] = []
  let wake: (() => void) | undefined
  socket.on('message', (data: Buffer) => {
    events.push(JSON.parse(data.toString()))
    wake?.()
  })
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  const next = async (): Promise<Json> => {
    while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return events.shift()
  }
  return {
    socket,
    closed,
    next,
    send: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    /** The events of one response, up to its last one or an error. */
    turn: async (body: Json): Promise<Json[]> => {
      socket.send(JSON.stringify({ type: 'response.create', ...body }))
      const seen: Json[] = []
      for (;;) {
        const event = await next()
        seen.push(event)
        if (/error|completed|incomplete|failed/.test(event.type)) return seen
      }
    },
  }
}

async function open(options?: TestOptions, client?: ClientOptions) {
  const server = await startTestServer(options)
  const url = await server.listen()
  return { server, url, ...(await connect(url, client)) }
}

const turn = { input: 'hi', max_output_tokens: 5, mneme: { seed: 1 } }
const lastId = (events: Json[]): string => events.at(-1).response.id

/** The connection under a WebSocket, for frames that no client would send. */
function raw(socket: WebSocket): NodeJS.WritableStream {
  return (socket as unknown as { _socket: NodeJS.WritableStream })._socket
}

describe('the WebSocket', () => {
  test('calls functions, and goes on with what they returned, stored or not', async () => {
    const reply = '<think>\nHm.\n</think>\n\n<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>'
    const { turn: run } = await open(scripted([reply, 'It is noon.']).options)
    const tools = [{ type: 'function', name: 'clock', parameters: { type: 'object', properties: {} } }]
    for (const store of [true, false]) {
      const request = { tools, store, temperature: 0, max_output_tokens: 200 }
      const first = await run({ ...request, input: 'Time?' })
      expect(first.map(({ type }) => type)).toContain('response.function_call_arguments.done')
      const { output } = first.at(-1).response
      expect(output.map(({ type }: Json) => type)).toEqual(['reasoning', 'function_call'])
      const input = [{ type: 'function_call_output', call_id: output[1].call_id, output: '12:00' }]
      const second = await run({ ...request, input, previous_response_id: lastId(first) })
      expect(second.at(-1).response.output).toMatchObject([{ type: 'message', content: [{ text: 'It is noon.' }] }])
    }
  })

  test('gives the events of the HTTP stream, one response after the other', async () => {
    const { server, turn: run } = await open()
    const first = await run(turn)
    const types = first.map(({ type }) => type)
    expect(types.slice(0, 4)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
    ])
    expect(types.at(-1)).toMatch(/response\.(completed|incomplete)/)
    const overHttp = await server.post('/v1/responses', turn)
    expect(first.at(-1).response.output[0].content).toEqual(overHttp.json.output[0].content)
    const second = await run({ ...turn, previous_response_id: lastId(first) })
    expect(second[0].sequence_number).toBe(0)
    expect(second.at(-1).response.usage.input_tokens_details.cached_tokens).toBeGreaterThan(0)
  })

  test('a response that is not stored can be continued on its own connection only', async () => {
    const { url, server, turn: run } = await open()
    const first = await run({ ...turn, store: false })
    const again = await run({ ...turn, store: false, previous_response_id: lastId(first) })
    expect(again.at(-1).response.usage.input_tokens_details.cached_tokens).toBeGreaterThan(0)
    const other = await connect(url)
    const lost = await other.turn({ ...turn, previous_response_id: lastId(first) })
    expect(lost.at(-1)).toMatchObject({ type: 'error', code: 'previous_response_not_found' })
    expect((await server.deps.store.statistics()).responses).toBe(0)
  })

  test('a stored response built on one that was not stored can be continued anywhere', async () => {
    const { server, turn: run } = await open({ keepStates: 1 })
    const local = await run({ ...turn, store: false })
    const stored = await run({ ...turn, previous_response_id: lastId(local) })
    let previous_response_id = lastId(stored)
    for (let i = 0; i < 4; i++)
      previous_response_id = (await server.post('/v1/responses', { ...turn, previous_response_id })).json.id
    const fork = await server.post('/v1/responses', { ...turn, previous_response_id: lastId(stored) })
    expect(fork.status).toBe(200)
  })

  test('a failed continuation evicts what it built on', async () => {
    const { turn: run } = await open()
    const first = await run({ ...turn, store: false })
    const failed = await run({ ...turn, mneme: { logit_bias: { '999': 1 } }, previous_response_id: lastId(first) })
    expect(failed).toMatchObject([{ type: 'error', param: 'mneme.logit_bias' }])
    const gone = await run({ ...turn, previous_response_id: lastId(first) })
    expect(gone).toMatchObject([{ type: 'error', code: 'previous_response_not_found' }])
  })

  test('errors are flat and nested, with a status', async () => {
    const { turn: run } = await open()
    const [event] = await run({ ...turn, previous_response_id: 'resp_x' })
    const { code, message, param } = event
    expect(event).toEqual({
      type: 'error',
      status: 404,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
      message,
      sequence_number: 0,
      error: { type: 'invalid_request_error', code, message, param },
    })
  })

  test('generate: false reads the input and replies nothing', async () => {
    const { turn: run } = await open()
    const warm = await run({ instructions: 'be brief', generate: false })
    expect(warm.map(({ type }) => type)).toEqual(['response.created', 'response.in_progress', 'response.completed'])
    expect(warm.at(-1).response).toMatchObject({ output: [], usage: { input_tokens: 10, output_tokens: 0 } })
    const after = await run({ ...turn, previous_response_id: lastId(warm) })
    expect(after.at(-1).response.usage).toMatchObject({ input_tokens: 15, input_tokens_details: { cached_tokens: 10 } })
  })

  test('a second response while one is in flight is refused; the first goes on', async () => {
    const { send, next, turn: run } = await open({ delayMs: 5 })
    send({ type: 'response.create', ...turn })
    await next()
    const seen = await run(turn)
    expect(seen.find(({ type }) => type === 'error')).toMatchObject({ code: 'response_in_progress', status: 409 })
    let event = seen.at(-1)
    while (!/completed|incomplete/.test(event.type)) event = await next()
  })

  test('what is no request is answered with an error, and the connection lives', async () => {
    const { send, next, turn: run } = await open()
    for (const message of ['{"type":', '[]', { type: 'response.steer' }, { type: 'response.create', color: 1 }]) {
      send(message)
      expect(await next()).toMatchObject({ type: 'error', status: 400 })
    }
    expect((await run(turn)).length).toBeGreaterThan(5)
  })

  test('binary, oversized and broken frames close that connection only', async () => {
    const { url, server } = await open()
    const closing = async (act: (socket: WebSocket) => void): Promise<number> => {
      const { socket, closed } = await connect(url)
      act(socket)
      return closed
    }
    expect(await closing((socket) => socket.send(Buffer.from('x')))).toBe(1003)
    expect(await closing((socket) => socket.send('x'.repeat(1024 * 1024 + 1)))).toBe(1009)
    const invalid = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff])
    expect(await closing((socket) => raw(socket).write(invalid))).toBe(1007)
    expect(await closing((socket) => raw(socket).write(Buffer.from([0x81, 0x01, 0x41])))).toBe(1002)
    expect((await server.post('/v1/responses', turn)).status).toBe(200)
  })

  test('floods of frames close their own connection, and others are served meanwhile', async () => {
    const { url, server } = await open()
    const closing = async (flood: (socket: WebSocket) => void): Promise<number> => {
      const { socket, closed } = await connect(url)
      flood(socket)
      return closed
    }
    const fragment = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x41])
    const first = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x41])
    // A message in a million pieces of one byte, and one of empty pieces.
    expect(await closing((s) => raw(s).write(Buffer.concat([first, ...Array<Buffer>(1_000_000).fill(fragment)])))).toBe(
      1008,
    )
    const empty = Buffer.from([0x00, 0x80, 0, 0, 0, 0])
    expect(await closing((s) => raw(s).write(Buffer.concat([first, ...Array<Buffer>(1_000_000).fill(empty)])))).toBe(
      1008,
    )
    // Messages that are refused, one after the other.
    expect(await closing((s) => void Array.from({ length: 20_000 }, () => s.send('{}')))).toBe(1008)
    const pinging = await connect(url)
    const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0])
    raw(pinging.socket).write(Buffer.concat(Array<Buffer>(100_000).fill(ping)))
    expect((await server.post('/v1/responses', turn)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  test('messages while a response is in flight are refused a hundred times, then the connection is closed', async () => {
    const { send, next, closed } = await open({ delayMs: 5 })
    send({ type: 'response.create', ...turn, max_output_tokens: 10_000, mneme: { logit_bias: { [END]: -100 } } })
    await next()
    for (let i = 0; i < 200; i++) send({ type: 'response.create', ...turn })
    expect(await closed).toBe(1008)
  })

  test('a key that was withdrawn gets no further response on an open connection', async () => {
    const file = join(temporaryFolder(), 'keys.json')
    const hash = createHash('sha256').update('k').digest('hex')
    writeFileSync(file, JSON.stringify({ keys: [{ name: 'a', hash }] }))
    const { server, turn: run } = await open({ keysFile: file }, { headers: { authorization: 'Bearer k' } })
    expect((await run(turn)).at(-1).type).toMatch(/completed|incomplete/)
    writeFileSync(file, JSON.stringify({ keys: [] }))
    server.deps.keys.reload()
    expect(await run(turn)).toMatchObject([{ type: 'error', status: 401, code: 'invalid_api_key' }])
  })

  test('a client that goes away stops its generation within a token', async () => {
    let calls = 0
    const { server, socket, send, next } = await open({ delayMs: 10, onCall: () => calls++ })
    send({ type: 'response.create', input: 'x', max_output_tokens: 10_000, mneme: { logit_bias: { [END]: -100 } } })
    while ((await next()).type !== 'response.output_text.delta');
    socket.terminate()
    await expect.poll(() => server.deps.models[0]?.engine.load.running).toBe(0)
    const stopped = calls
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(calls - stopped).toBeLessThanOrEqual(1)
    expect(await server.deps.metrics.registry.getSingleMetricAsString('mneme_requests_cancelled_total')).toContain(' 1')
    expect((await server.deps.store.statistics()).responses).toBe(0)
  })

  test('needs the key, in a header or a subprotocol, and no page of another origin', async () => {
    const keyed = await startTestServer({ keys: ['k'] })
    const url = await keyed.listen()
    await expect(connect(url)).rejects.toThrow('401')
    await expect(connect(url, { headers: { authorization: 'Bearer wrong' } })).rejects.toThrow('401')
    await expect(connect(`${url}/../v1`, {})).rejects.toThrow('401')
    await connect(url, { headers: { authorization: 'Bearer k' } })
    const { socket } = await connect(url, { protocols: ['mneme', 'openai-insecure-api-key.k'] })
    expect(socket.protocol).toBe('mneme')
    const local = await (await startTestServer()).listen()
    await expect(connect(local, { origin: 'http://evil.example' })).rejects.toThrow('403')
    await connect(local, { origin: local })
  })

  test('closes when the server stops: idle ones at once, busy ones after their response', async () => {
    const { server, url, send, next, closed } = await open({ delayMs: 5 })
    const idle = await connect(url)
    send({ type: 'response.create', ...turn })
    await next()
    const drained = server.deps.lifecycle.drain(5_000)
    expect(await idle.closed).toBe(1012)
    let event: Json
    do event = await next()
    while (!/completed|incomplete/.test(event.type))
    expect(await closed).toBe(1012)
    await drained
  })

  test('is told after 60 minutes to open another one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { next, closed } = await open()
    vi.advanceTimersByTime(60 * 60 * 1000 - 1000)
    vi.advanceTimersByTime(1000)
    expect(await next()).toMatchObject({ type: 'error', code: 'websocket_connection_limit_reached' })
    expect(await closed).toBe(1008)
  })

  test('a reader that never reads is let go before it costs memory', async () => {
    const { server, socket, send } = await open({ limits: { stallMs: 1000 } })
    socket.pause()
    const bias = { logit_bias: { [END]: -100 } }
    send({ type: 'response.create', input: 'x', max_output_tokens: 100_000, top_logprobs: 20, mneme: bias })
    const rejected = async () => server.deps.metrics.registry.getSingleMetricAsString('mneme_requests_rejected_total')
    await expect.poll(rejected, { timeout: 30_000 }).toContain('{reason="slow_reader"} 1')
    await expect.poll(() => server.deps.models[0]?.engine.load.running).toBe(0)
    expect((await server.post('/v1/responses', turn)).status).toBe(200)
  })

  test('a reader that reads gets events of any size', async () => {
    const { turn: run } = await open()
    const bias = { logit_bias: { [END]: -100 } }
    const events = await run({ input: 'x', max_output_tokens: 4000, top_logprobs: 20, mneme: bias })
    const last = events.at(-1).response.output[0].content[0]
    expect(last.logprobs.length).toBe(4000)
    expect(events.find(({ type }) => type === 'response.output_text.done').logprobs).toEqual(last.logprobs)
  })

  test('the official client holds a conversation', async () => {
    const { url } = await open()
    const client = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1` })
    const socket = new ResponsesWS(client)
    onTestFinished(() => socket.close())
    const ends: Json[] = []
    let text = ''
    socket.send({ type: 'response.create', model: 'fake', input: 'hello', max_output_tokens: 8 })
    for await (const event of socket.stream()) {
      if (event.type === 'error') throw event.error
      if (event.type !== 'message') continue
      if (event.message.type === 'response.output_text.delta') text += event.message.delta
      if (event.message.type !== 'response.completed' && event.message.type !== 'response.incomplete') continue
      ends.push(event.message.response)
      if (ends.length === 2) break
      const previous_response_id = event.message.response.id
      socket.send({ type: 'response.create', model: 'fake', input: 'more', previous_response_id, max_output_tokens: 8 })
    }
    expect(text).toBe(ends.map(({ output }) => output[0].content[0].text).join(''))
    expect(ends[1].previous_response_id).toBe(ends[0].id)
  })
})
