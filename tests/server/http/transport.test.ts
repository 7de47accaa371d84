/** The server against raw bytes: upgrades, pipelines, readers that do not read, limits of connections. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { END } from '../../support/fake-model.ts'
import { rawConnection } from '../../support/raw.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const HOST = 'Host: 127.0.0.1\r\n'
const h2c =
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n'

/** A POST with a JSON body, as bytes. */
function post(path: string, body: object, headers = ''): string {
  const json = JSON.stringify(body)
  const length = Buffer.byteLength(json)
  return `POST ${path} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${headers}Content-Length: ${length}\r\n\r\n${json}`
}

const chat = { model: 'fake', messages: [{ role: 'user', content: 'Zürich 😀' }], max_tokens: 8, temperature: 0 }
const endless = { model: 'fake', prompt: 'x', max_tokens: 100_000, logit_bias: { [END]: -100 } }

async function rejected(server: TestServer, reason: string): Promise<number> {
  const text = await server.deps.metrics.registry.getSingleMetricAsString('mneme_requests_rejected_total')
  return Number(new RegExp(`reason="${reason}"} (\\d+)`).exec(text)?.[1] ?? 0)
}

describe('an upgrade', () => {
  test('to anything but a WebSocket is answered as if it had not been asked for, body included', async () => {
    const server = await startTestServer()
    const url = await server.listen()
    const plain = await server.post('/v1/chat/completions', chat)
    for (const upgrade of [h2c, 'Connection: Upgrade\r\nUpgrade: foo\r\n', 'Connection: upgrade\r\nUpgrade:\r\n']) {
      const { until, socket } = rawConnection(url, post('/v1/chat/completions', chat, upgrade))
      const answer = await until('"usage"')
      expect(answer).toMatch(/^HTTP\/1\.1 200 /)
      const json = JSON.parse(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').toString())
      expect(json.choices).toEqual(plain.json.choices)
      // The connection goes on as an ordinary one.
      socket.write(`GET /livez HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
      expect(await until('{"status":"ok"}')).toContain('{"status":"ok"}')
    }
  })

  test('needs the key like any request, and what was not asked for as a WebSocket is none', async () => {
    const server = await startTestServer({ keys: ['k'] })
    const url = await server.listen()
    const get = (path: string, headers: string) => rawConnection(url, `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`)
    expect(await get('/v1/models', h2c).until('}}')).toMatch(/^HTTP\/1\.1 401 /)
    expect(await get('/v1/models', `${h2c}Authorization: Bearer k\r\n`).until('"list"')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('to a WebSocket that does not exist is an HTTP error with a body, and the connection is closed', async () => {
    const server = await startTestServer({ keys: ['k'] })
    const url = await server.listen()
    const key = randomBytes(16).toString('base64')
    const handshake = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n`
    const ask = (path: string, headers: string) =>
      rawConnection(url, `GET ${path} HTTP/1.1\r\n${HOST}${handshake}${headers}\r\n`).closed
    const authorized = 'Authorization: Bearer k\r\n'
    for (const path of ['/v1/models', '/livez', '/v1/nothing', '/']) {
      const answer = await ask(path, authorized)
      expect([path, answer.split('\r\n')[0]]).toEqual([path, 'HTTP/1.1 404 Not Found'])
      expect(answer).toContain('/v1/responses')
    }
    expect(await ask('/v1/responses', '')).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"invalid_api_key"/)
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    const upgraded = rawConnection(url, `GET /v1/responses HTTP/1.1\r\n${HOST}${handshake}${authorized}\r\n`)
    expect(await upgraded.until(accept)).toMatch(/^HTTP\/1\.1 101 /)
  })
})

describe('a pipeline', () => {
  test('of a few requests is answered in order', async () => {
    const server = await startTestServer()
    const one = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`
    const bytes = one('/livez') + one('/v1/models') + one('/v1/nothing')
    const answer = await rawConnection(await server.listen(), bytes).until('no GET')
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    expect(statuses.slice(0, 2)).toEqual(['200', '200'])
    expect(await rawConnection(await server.listen(), bytes).until('not_found')).toContain('HTTP/1.1 404')
  })

  test('of a hundred thousand is cut after the first few, answered, and nobody else waits', async () => {
    const server = await startTestServer({ limits: { pipelined: 16 } })
    const url = await server.listen()
    let handled = 0
    const counting = server.deps.access as { allowsHost(host: string): boolean }
    const { allowsHost } = counting
    counting.allowsHost = (host) => {
      handled++
      return allowsHost(host)
    }
    const flood = rawConnection(url, `GET /openapi.json HTTP/1.1\r\n${HOST}\r\n`.repeat(100_000))
    const answer = await flood.closed
    // What is on its way when the connection is closed may be lost, as the client has more to say.
    expect(answer.match(/HTTP\/1\.1 200/g)?.length).toBeLessThanOrEqual(16)
    expect(handled).toBeLessThanOrEqual(16)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })
})

describe('a reader that does not read', () => {
  const impatient = { limits: { stallMs: 600 } }

  test('is let go, whether a stream, a finished answer or a WebSocket waits for it', async () => {
    const server = await startTestServer(impatient)
    const url = await server.listen()
    const large = { ...endless, prompt: 'x'.repeat(50_000), max_tokens: 0, echo: true, logprobs: 5 }
    const silent = [post('/v1/completions', large), post('/v1/completions', { ...large, stream: true })].map(
      (bytes) => {
        const { socket } = rawConnection(url, bytes)
        socket.pause()
        return socket
      },
    )
    const webSocket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`)
    onTestFinished(() => webSocket.terminate())
    await new Promise((resolve) => webSocket.once('open', resolve))
    webSocket.send(JSON.stringify({ type: 'response.create', input: 'x', ...longReply }))
    webSocket.pause()
    await expect.poll(() => rejected(server, 'slow_reader'), { timeout: 40_000 }).toBe(3)
    await expect.poll(() => server.deps.models[0]!.engine.load.running, { timeout: 10_000 }).toBe(0)
    expect(silent.length).toBe(2)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  test('that only reads slowly gets everything', async () => {
    const server = await startTestServer(impatient)
    const url = await server.listen()
    const large = { ...endless, prompt: 'x'.repeat(40_000), max_tokens: 0, echo: true, logprobs: 5 }
    const { socket, text } = rawConnection(url, post('/v1/completions', large, 'Connection: close\r\n'))
    const drip = setInterval(() => {
      socket.resume()
      setTimeout(() => socket.pause(), 5)
    }, 100)
    onTestFinished(() => clearInterval(drip))
    await expect.poll(() => text().includes('"total_tokens":40000'), { timeout: 30_000 }).toBe(true)
    expect(await rejected(server, 'slow_reader')).toBe(0)
  })
})

const longReply = { max_output_tokens: 20_000, top_logprobs: 20, mneme: { logit_bias: { [END]: -100 } } }

describe('connections', () => {
  test('are limited in all, and those beyond are closed and said in the log', async () => {
    const server = await startTestServer({ limits: { connections: 3 } })
    const warnings: string[] = []
    server.deps.log.warn = ((_: object, message: string) => warnings.push(message)) as never
    const url = await server.listen()
    const held = Array.from({ length: 3 }, () => rawConnection(url, ''))
    await expect.poll(() => server.deps.metrics.registry.getSingleMetricAsString('mneme_connections')).toContain(' 3')
    expect(await rawConnection(url, `GET /livez HTTP/1.1\r\n${HOST}\r\n`).closed).toBe('')
    expect(await rejected(server, 'connections')).toBe(1)
    expect(warnings).toEqual([expect.stringContaining('--max-connections')])
    held[0]?.socket.destroy()
    await expect.poll(async () => (await fetch(`${url}/livez`).catch(() => null))?.status).toBe(200)
  })

  test('of one key are limited, requests and WebSockets together; other keys go on', async () => {
    const server = await startTestServer({ keys: ['a', 'b'], limits: { connectionsPerOwner: 2 }, delayMs: 10 })
    const url = await server.listen()
    const open = (key: string) =>
      new Promise<WebSocket>((resolve, reject) => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`, {
          headers: { authorization: `Bearer ${key}` },
        })
        onTestFinished(() => socket.terminate())
        socket.on('open', () => resolve(socket)).on('error', reject)
      })
    const get = async (key: string) =>
      (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status
    const first = await open('a')
    await open('a')
    await expect(open('a')).rejects.toThrow('429')
    expect(await get('a')).toBe(429)
    expect(await get('b')).toBe(200)
    first.terminate()
    await expect.poll(() => get('a')).toBe(200)
    // A stream counts until it has ended.
    const stream = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer a', 'content-type': 'application/json' },
      body: JSON.stringify({ ...endless, max_tokens: 20, stream: true }),
    })
    expect(await get('a')).toBe(429)
    await stream.text()
    await expect.poll(() => get('a')).toBe(200)
  })

  test('are kept for longer than proxies keep theirs, and as long as configured', async () => {
    const idle = async (server: TestServer): Promise<string> => {
      const { until } = rawConnection(await server.listen(), `GET /health HTTP/1.1\r\n${HOST}\r\n`)
      return /timeout=(\d+)/.exec(await until('"ok"'))?.[1] ?? ''
    }
    expect(Number(await idle(await startTestServer()))).toBeGreaterThan(60)
    expect(await idle(await startTestServer({ limits: { keepAliveMs: 5_000 } }))).toBe('5')
  })

  test('a body in chunks without an end is 413 once it is too long', async () => {
    const server = await startTestServer()
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const head = `POST /v1/responses HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const { socket, until } = rawConnection(await server.listen(), head)
    const sending = setInterval(() => socket.write(chunk), 5)
    onTestFinished(() => clearInterval(sending))
    // As clients do when an answer comes before they have finished.
    socket.once('data', () => clearInterval(sending))
    expect(await until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a client that leaves while it sends its body is not an error of ours', async () => {
    const server = await startTestServer()
    const [errors, refusals]: [unknown[], string[]] = [[], []]
    server.deps.log.debug = ({ code }: { code: string }) => refusals.push(code)
    server.deps.log.error = (...line: unknown[]) => errors.push(line)
    const url = await server.listen()
    const left = rawConnection(url, post('/v1/completions', endless).slice(0, -10))
    await expect.poll(() => server.deps.metrics.registry.getSingleMetricAsString('mneme_connections')).toContain(' 1')
    left.socket.resetAndDestroy()
    await expect.poll(() => refusals).toEqual(['cancelled'])
    expect(errors).toEqual([])
  })
})

describe('memory', () => {
  test('a reply that grows too large is refused with what to ask instead, and nothing of it is kept', async () => {
    const server = await startTestServer({ limits: { replyBytes: 20_000, allReplyBytes: 30_000 } })
    const many = { ...endless, n: 4, max_tokens: 50, logprobs: 5 }
    for (const [path, body] of [
      ['/v1/completions', many],
      [
        '/v1/chat/completions',
        { ...chat, logit_bias: endless.logit_bias, max_tokens: 100, logprobs: true, top_logprobs: 20 },
      ],
      [
        '/v1/responses',
        { input: 'x', max_output_tokens: 100, top_logprobs: 20, mneme: { logit_bias: endless.logit_bias } },
      ],
    ] as const) {
      const { status, json } = await server.post(path, body)
      expect([path, status, json.error.code]).toEqual([path, 400, 'reply_too_large'])
      await expect.poll(() => server.deps.models[0]!.engine.load.running).toBe(0)
      // Streams of completions and chats hold nothing.
      if (path === '/v1/responses') continue
      const streamed = await (await server.request('POST', path, { ...body, stream: true })).text()
      expect(streamed).not.toContain('reply_too_large')
    }
    const small = await server.post('/v1/completions', { ...endless, max_tokens: 5 })
    expect(small.status).toBe(200)
  })

  test('echo with log-probabilities of the longest prompt is answered', { timeout: 120_000 }, async () => {
    const server = await startTestServer()
    const prompt = 'x'.repeat(131_072)
    const { status, json } = await server.post('/v1/completions', {
      ...endless,
      prompt,
      max_tokens: 1,
      echo: true,
      logprobs: 0,
    })
    expect(status).toBe(200)
    expect(json.choices[0].logprobs.tokens.length).toBe(131_073)
  })

  test('states of responses that are not stored have a limit over all connections; the oldest go first', async () => {
    // A state of the fake model has 16 bytes.
    const server = await startTestServer({ limits: { localStateBytes: 6 * 16 } })
    const url = await server.listen()
    const turn = { type: 'response.create', input: 'x', store: false, max_output_tokens: 2 }
    const ids: string[][] = []
    const ask = (socket: WebSocket, body: object): Promise<Json> =>
      new Promise((resolve) => {
        const read = (data: Buffer): void => {
          const event = JSON.parse(data.toString())
          if (!/completed|incomplete|failed|error/.test(event.type)) return
          socket.off('message', read)
          resolve(event)
        }
        socket.on('message', read)
        socket.send(JSON.stringify(body))
      })
    const sockets: WebSocket[] = []
    for (let i = 0; i < 3; i++) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`)
      onTestFinished(() => socket.terminate())
      await new Promise((resolve) => socket.once('open', resolve))
      sockets.push(socket)
      ids.push([])
      for (let j = 0; j < 4; j++) ids[i]?.push((await ask(socket, turn)).response.id)
    }
    expect(server.deps.localStates.bytes).toBe(6 * 16)
    const [oldest, newest] = [await ask(sockets[0]!, { ...turn, previous_response_id: ids[0]?.[3] }), ids[2]?.[3]]
    expect(oldest.code).toBe('previous_response_not_found')
    expect((await ask(sockets[2]!, { ...turn, previous_response_id: newest })).type).toMatch(/completed|incomplete/)
    for (const socket of sockets) socket.close()
    await expect.poll(() => server.deps.localStates.bytes).toBe(0)
  })
})
