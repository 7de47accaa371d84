/** The table of endpoints: what follows from it for each of them. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Endpoint } from '../../../server/http/endpoint.ts'
import { allEndpoints } from '../../../server/http/endpoints.ts'
import { openApiPath } from '../../../server/http/openapi.ts'
import { apiTables } from '../../support/api-tables.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json } from '../../support/test-server.ts'

/** A path of the endpoint that names something which does not exist. */
const pathOf = (endpoint: Endpoint): string => openApiPath(endpoint).replace('{id}', 'nothing')

/** A file of two keys: one for the API, one for metrics. */
function keysFile(): string {
  const entry = (name: string, scopes?: string[]) => ({
    name,
    hash: createHash('sha256').update(`key of ${name}`).digest('hex'),
    ...(scopes ? { scopes } : {}),
  })
  const file = join(temporaryFolder(), 'keys.json')
  writeFileSync(file, JSON.stringify({ keys: [entry('api'), entry('metrics', ['metrics'])] }))
  return file
}

describe('every endpoint', () => {
  test('needs a key of its scope, however it is presented; only the probes need none', async () => {
    const server = await startTestServer({ keysFile: keysFile() })
    expect(
      allEndpoints(server.deps)
        .filter(({ access }) => access === 'public')
        .map(pathOf),
    ).toEqual(['/livez', '/readyz', '/health'])
    for (const endpoint of allEndpoints(server.deps)) {
      const status = async (authorization: string | null): Promise<number> => {
        const headers = authorization === null ? undefined : { authorization }
        return (await server.request(endpoint.method, pathOf(endpoint), endpoint.body ? {} : undefined, headers)).status
      }
      const name = `${endpoint.method} ${endpoint.path}`
      if (endpoint.access === 'public') {
        expect([name, await status(null)]).toEqual([name, 200])
        continue
      }
      const other = endpoint.access === 'api' ? 'metrics' : 'api'
      expect([name, await status(null)]).toEqual([name, 401])
      expect([name, await status('Bearer ')]).toEqual([name, 401])
      expect([name, await status('Bearer key of nobody')]).toEqual([name, 401])
      expect([name, await status(`Bearer key of ${other}`)]).toEqual([name, 403])
      expect([name, [401, 403]]).not.toContain(await status(`Bearer key of ${endpoint.access}`))
    }
  })

  test('is in the description, with its body; nothing else is', async () => {
    const server = await startTestServer()
    const { paths } = (await (await server.request('GET', '/openapi.json')).json()) as Json
    const described = Object.entries<Json>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const endpoints = allEndpoints(server.deps)
    expect(described.toSorted()).toEqual(endpoints.map((e) => `${e.method} ${openApiPath(e)}`).toSorted())
    for (const endpoint of endpoints.filter(({ body }) => body)) {
      const { requestBody } = paths[openApiPath(endpoint)][endpoint.method.toLowerCase()]
      expect(Object.keys(requestBody.content['application/json'].schema.properties)).not.toEqual([])
    }
  })

  test('with a body refuses what is no JSON object, a field that it does not know, and one too large', async () => {
    const server = await startTestServer({ limits: { bodyBytes: 5000 } })
    for (const endpoint of allEndpoints(server.deps).filter(({ body }) => body)) {
      const post = async (body: unknown) => {
        const { status, json } = await server.post(pathOf(endpoint), body)
        return [status, json.error.code]
      }
      expect(await post('{')).toEqual([400, 'invalid_json'])
      for (const body of ['null', '[]', '"x"', '5']) expect(await post(body)).toEqual([400, 'invalid_value'])
      expect(await post({ model: 'fake', prompt: 'x', input: 'x', messages: [], colour: 'red' })).toEqual([
        400,
        expect.any(String),
      ])
      expect(await post(JSON.stringify('x'.repeat(6000)))).toEqual([413, 'body_too_large'])
    }
  })

  test('with a query refuses a parameter that it does not know', async () => {
    const server = await startTestServer()
    for (const endpoint of allEndpoints(server.deps).filter(({ query }) => query)) {
      const answer = await server.request(endpoint.method, `${pathOf(endpoint)}?colour=red`)
      expect(((await answer.json()) as Json).error.code).toBe('unknown_parameter')
    }
  })

  test('is refused while the server stops, except probes and metrics', async () => {
    const server = await startTestServer()
    await server.deps.lifecycle.drain(0)
    for (const endpoint of allEndpoints(server.deps)) {
      const answer = await server.request(endpoint.method, pathOf(endpoint), endpoint.body ? {} : undefined)
      const expected = endpoint.whileStopping ? expect.toSatisfy((s) => s === 200 || s === 503) : 503
      expect([endpoint.path, answer.status]).toEqual([endpoint.path, expected])
      if (!endpoint.whileStopping) expect(answer.headers.get('retry-after')).toBe('5')
    }
  })

  test('stands in docs/api.md with all its fields, as the schemas have them', () => {
    const document = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')
    for (const [name, table] of Object.entries(apiTables())) {
      expect(
        document.includes(table),
        `docs/api.md, table ${name}: npx tsx tests/support/api-tables.ts writes it`,
      ).toBe(true)
    }
  })
})

test('a plain key may do everything; scopes of a keys file limit', async () => {
  const server = await startTestServer({ keys: ['k'] })
  for (const path of ['/metrics', '/v1/models']) {
    expect((await server.request('GET', path, undefined, { authorization: 'Bearer k' })).status).toBe(200)
  }
})
