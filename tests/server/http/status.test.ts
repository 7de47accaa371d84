import { connect } from 'node:net'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { startTestServer, type Json } from '../../support/test-server.ts'

/** What a server answers to raw bytes before it closes. */
function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('close', () => resolve(answer))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(answer) : reject(error),
    )
  })
}

describe('the status routes', () => {
  test('say what runs here', async () => {
    const server = await startTestServer()
    const get = async (path: string): Promise<Json> => (await server.request('GET', path)).json()
    expect(await get('/livez')).toEqual({ status: 'ok' })
    expect(await get('/readyz')).toEqual({ status: 'ok' })
    expect(await get('/version')).toMatchObject({
      name: 'mneme',
      models: [{ name: 'fake', architecture: 'fake', runtime: 'fake', state_bytes: 16 }],
      memories: 'off',
      verify: 'off',
      critic: 'rules',
      small_talk: null,
      store: { journal: 'wal', synchronous: 'full' },
    })
    expect(await get('/v1/models/fake')).toMatchObject({ id: 'fake', object: 'model', owned_by: 'mneme' })
    expect((await server.request('GET', '/v1/models/gpt-9')).status).toBe(404)
    expect((await server.request('GET', '/v1/responses')).status).toBe(426)
  })

  test('the description of the API fits the requests it describes', async () => {
    const server = await startTestServer()
    const document: Json = await (await server.request('GET', '/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    const schema = document.paths['/v1/responses'].post.requestBody.content['application/json'].schema
    const fits = new Ajv2020({ strict: false }).compile(schema)
    expect(fits({ input: 'x', previous_response_id: null, mneme: { top_k: 3 } })).toBe(true)
    expect(fits({ input: 'x', mneme: { top_q: 3 } })).toBe(false)
    expect(fits({ input: [{ role: 'tool', content: 'x' }] })).toBe(false)
  })
})

describe('hostile bytes', () => {
  test('cost their own connection only', async () => {
    const server = await startTestServer()
    const url = await server.listen()
    const header = 'POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    expect(await raw(url, `GET / HTTP/1.1\r\nHost: x\r\nBig: ${'x'.repeat(64 * 1024)}\r\n\r\n`)).toContain(' 431 ')
    expect(await raw(url, 'nonsense\r\n\r\n')).toContain(' 400 ')
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    expect(await raw(url, `${header}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`)).toContain(' 413 ')
    expect(await raw(url, `${header}Content-Length: 99999999\r\nConnection: close\r\n\r\n{}`)).toContain(' 413 ')
    expect((await server.request('GET', '/readyz')).status).toBe(200)
  })
})
