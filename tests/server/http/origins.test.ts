/** Web pages: which may use the server, and which names it answers to. */
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { rawConnection } from '../../support/raw.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'

const status = async (server: TestServer, headers: Record<string, string>, path = '/v1/models', method = 'GET') =>
  (await server.request(method, path, method === 'POST' ? { input: 'x', max_output_tokens: 2 } : undefined, headers))
    .status

const page = 'http://localhost:3000'
const asked = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,x-stainless-os',
}

describe('without API keys', () => {
  test('a name that a foreign DNS server could point here is refused on every route, an address is not', async () => {
    const server = await startTestServer({ allowedHosts: ['mneme.example'] })
    for (const host of [
      'rebind.evil.example',
      'rebind.evil.example:8080',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ]) {
      for (const [method, path] of [
        ['GET', '/v1/models'],
        ['POST', '/v1/responses'],
        ['DELETE', '/v1/responses/x'],
        ['GET', '/metrics'],
      ] as const) {
        expect([host, path, await status(server, { host }, path, method)]).toEqual([host, path, 403])
      }
    }
    for (const host of [
      'localhost:8080',
      '127.0.0.1',
      '[::1]:8080',
      '192.168.1.5',
      'a.localhost',
      'mneme',
      'MNEME.example:80',
    ]) {
      expect([host, await status(server, { host })]).toEqual([host, 200])
    }
  })

  test('a rebound name gets no WebSocket either', async () => {
    const server = await startTestServer()
    const url = await server.listen()
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`, {
      headers: { host: 'rebind.evil.example' },
    })
    await expect(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))).rejects.toThrow(
      '403',
    )
  })

  test('a page of another origin is refused: by Origin, also https of the same name, and by Sec-Fetch-Site', async () => {
    const server = await startTestServer()
    const host = 'localhost:8080'
    expect(await status(server, { host, origin: 'http://evil.example' })).toBe(403)
    expect(await status(server, { host, origin: 'null' })).toBe(403)
    expect(await status(server, { host, origin: 'https://localhost:8080' })).toBe(403)
    expect(await status(server, { host, origin: 'http://localhost:8081' })).toBe(403)
    expect(await status(server, { host, 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await status(server, { host, 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await status(server, { host, origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' })).toBe(200)
    expect(await status(server, { host, 'sec-fetch-site': 'none' })).toBe(200)
    expect(await status(server, { host })).toBe(200)
    const { message } = (
      (await (await server.request('GET', '/v1/models', undefined, { origin: page })).json()) as Json
    ).error
    expect(message).toContain('--allowed-origin')
  })

  test('an allowed origin may', async () => {
    const server = await startTestServer({ allowedOrigins: [page] })
    const answer = await server.request('GET', '/v1/models', undefined, {
      origin: page,
      'sec-fetch-site': 'cross-site',
    })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, page])
    expect(await status(server, { origin: 'http://localhost:3001' })).toBe(403)
  })
})

describe('with API keys', () => {
  test('a preflight of an allowed origin needs none, and answers and errors carry the origin', async () => {
    const server = await startTestServer({ keys: ['k'], allowedOrigins: [page] })
    const preflight = await server.request('OPTIONS', '/v1/chat/completions', undefined, { origin: page, ...asked })
    expect(preflight.status).toBe(204)
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': asked['access-control-request-headers'],
      vary: 'origin',
    })
    for (const [path, headers, expected] of [
      ['/v1/models', { authorization: 'Bearer k' }, 200],
      ['/v1/models', {}, 401],
      ['/v1/nothing', { authorization: 'Bearer k' }, 404],
    ] as const) {
      const answer = await server.request('GET', path, undefined, { ...headers, origin: page })
      expect([path, answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([path, expected, page])
      expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
    }
  })

  test('other origins get no such header, and their preflight an error that says what to do', async () => {
    const server = await startTestServer({ keys: ['k'], allowedOrigins: [page] })
    const preflight = await server.request('OPTIONS', '/v1/models', undefined, {
      origin: 'http://evil.example',
      ...asked,
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([403, null])
    expect(((await preflight.json()) as Json).error.message).toContain('--allowed-origin')
    const answer = await server.request('GET', '/v1/models', undefined, {
      authorization: 'Bearer k',
      origin: 'http://evil.example',
    })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, null])
  })

  test('streams carry the origin too', async () => {
    const server = await startTestServer({ keys: ['k'], allowedOrigins: ['*'] })
    const url = await server.listen()
    const answer = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', origin: page, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake', prompt: 'x', max_tokens: 2, stream: true }),
    })
    expect(answer.headers.get('access-control-allow-origin')).toBe(page)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await answer.text()).toContain('[DONE]')
  })
})

test('every answer forbids guessing its type', async () => {
  const server = await startTestServer()
  const url = await server.listen()
  for (const path of ['/livez', '/v1/models', '/v1/nothing', '/metrics']) {
    expect((await fetch(`${url}${path}`)).headers.get('x-content-type-options')).toBe('nosniff')
  }
  const refused = rawConnection(
    url,
    'GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  )
  expect((await refused.closed).toLowerCase()).toContain('x-content-type-options: nosniff')
})
