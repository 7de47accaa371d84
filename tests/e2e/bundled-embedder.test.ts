/** The bundled encoder of sentences, as `npm start` serves it beside whatever model. */
import { spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { compiled } from '../support/build.ts'
import { listening, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

async function start(...models: string[]): Promise<ServerProcess> {
  const args = ['serve', ...models, '--port', '0', '--data', temporaryFolder(), '--log-level', 'warn']
  const server = await listening(spawn(process.execPath, [compiled('clients/cli/bin.js'), ...args], { stdio: 'pipe' }))
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

const SENTENCES = ['my cat sleeps on the sofa', 'our kitten lies on the couch', 'the tax form is due on Friday']

const post = async (server: ServerProcess, path: string, body: object): Promise<Json> =>
  (await server.post(path, body)).json()

test('a server without another encoder makes embeddings, and finds memories in other words than they were told', async () => {
  const server = await start()
  const version: Json = await (await fetch(`${server.url}/version`)).json()
  expect(version.embedders).toHaveLength(1)
  const { data, model } = await post(server, '/v1/embeddings', { input: SENTENCES })
  expect(model).toBe(version.embedders[0].name)
  const [cat, kitten, form] = data.map(({ embedding }: Json) => embedding as number[])
  const cosine = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
  expect(cosine(cat, cat)).toBeCloseTo(1, 4)
  expect(cosine(cat, kitten)).toBeGreaterThan(cosine(cat, form))
  for (const text of ['I get hives from peanuts', 'my sister moved to Lisbon', 'the wifi password is otter99'])
    await post(server, '/v1/memories', { text })
  const found = await post(server, '/v1/memories/search', { query: 'which food makes me sick?' })
  expect(found.embedder).toBe(model)
  expect(found.data[0].text).toBe('I get hives from peanuts')
  expect(found.data[0].similarity).toBeGreaterThan(0)
})

test('another encoder takes its place', async () => {
  const server = await start('models/pretrained/keeper', 'models/pretrained/embedder')
  const version: Json = await (await fetch(`${server.url}/version`)).json()
  expect(version.embedders).toHaveLength(1)
})
