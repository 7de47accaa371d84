import { request as httpRequest } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startTestServer } from '../../support/test-server.ts'

const routes: [string, string][] = [
  ['GET', '/v1/models'],
  ['GET', '/v1/models/fake'],
  ['POST', '/v1/completions'],
  ['POST', '/v1/chat/completions'],
  ['POST', '/v1/responses'],
  ['GET', '/v1/responses'],
  ['GET', '/v1/responses/resp_x'],
  ['DELETE', '/v1/responses/resp_x'],
  ['GET', '/v1/responses/resp_x/input_items'],
  ['GET', '/metrics'],
  ['GET', '/version'],
  ['GET', '/openapi.json'],
  ['GET', '/nothing'],
  ['OPTIONS', '/v1/models'],
]
const tricks = [
  '//v1/models',
  '/v1//models',
  '/v1%2Fmodels',
  '/V1/models',
  '/v1/models/',
  '/livez/../v1/models',
  '/livez/%2e%2e/v1/models',
  '/livez%2f..%2fv1%2fmodels',
  '/livez;/v1/models',
  '/LIVEZ',
  '/metrics/',
  '/./metrics',
  '/x/../metrics',
]

/** Status of a request whose path is sent exactly as it is written. */
function raw(url: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const sent = httpRequest({ hostname, port, path, headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('with API keys', () => {
  test('every route needs one, except the three probes', async () => {
    const server = await startTestServer({ keys: ['key one', 'key two'] })
    expect(server.deps.keys.required).toBe(true)
    for (const [method, path] of routes) {
      const status = async (headers?: Record<string, string>): Promise<number> =>
        (await server.request(method, path, method === 'POST' ? {} : undefined, headers)).status
      expect([path, await status()]).toEqual([path, 401])
      expect([path, await status({ authorization: 'Bearer ' })]).toEqual([path, 401])
      expect([path, await status({ authorization: 'Bearer key' })]).toEqual([path, 401])
      expect([path, await status({ authorization: `Bearer ${'x'.repeat(5000)}` })]).toEqual([path, 401])
      expect([path, await status({ 'x-api-key': 'key' })]).toEqual([path, 401])
      // As Anthropic's clients send it.
      expect([path, await status({ 'x-api-key': 'key one' })]).not.toEqual([path, 401])
      expect([path, await status({ authorization: 'Bearer key two' })]).not.toEqual([path, 401])
    }
    expect((await server.request('GET', '/v1/models?api_key=key%20one')).status).toBe(401)
    for (const path of ['/livez', '/readyz', '/health']) expect((await server.request('GET', path)).status).toBe(200)
  })

  test('no spelling of a path gets past it', async () => {
    const server = await startTestServer({ keys: ['k'] })
    const url = await server.listen()
    for (const path of tricks)
      expect([path, await raw(url, path)]).toEqual([path, expect.toSatisfy((s) => s === 401 || s === 400)])
    expect(await raw(url, `${url}/v1/models`)).toBe(401)
    expect(await raw(url, '/v1/models', { host: 'livez' })).toBe(401)
    expect(await raw(url, '/v1/models', { host: 'x/livez?' })).toBeGreaterThanOrEqual(400)
    expect(await raw(url, '/livez')).toBe(200)
    expect(await raw(url, '/v1/models', { authorization: 'Bearer k' })).toBe(200)
  })
})

describe('without API keys', () => {
  test('a page of another origin is refused, the same origin and no origin are not', async () => {
    const server = await startTestServer()
    const status = async (headers: Record<string, string>) =>
      (await server.request('GET', '/v1/models', undefined, headers)).status
    expect(await status({ origin: 'http://evil.example', host: 'localhost:8080' })).toBe(403)
    expect(await status({ origin: 'null', host: 'localhost:8080' })).toBe(403)
    expect(await status({ origin: 'http://localhost:8080', host: 'localhost:8080' })).toBe(200)
    expect(await status({})).toBe(200)
  })
})
