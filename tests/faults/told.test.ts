/** What users tell, in real processes that are killed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { disagreements } from '../support/folder-check.ts'
import { startFakeServer, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

const ROUNDS = 5
const CLIENTS = 4

async function start(folder: string): Promise<ServerProcess> {
  const server = await startFakeServer({ flags: { data: folder, memories: 'on' }, environment: { FAKE_APPEND: '1' } })
  onTestFinished(() => kill(server))
  return server
}

async function kill(server: ServerProcess): Promise<void> {
  server.child.kill('SIGKILL')
  await server.exited
}

const tell = async (server: ServerProcess, input: string): Promise<Json> => {
  const answer = await server.post('/v1/responses', { input, max_output_tokens: 4, temperature: 0 })
  return answer.json()
}

/** All memories, by the response that they were taken from. */
async function memories({ url }: ServerProcess): Promise<Map<string, Json[]>> {
  const found = new Map<string, Json[]>()
  let after = ''
  for (;;) {
    const page: Json = await (await fetch(`${url}/v1/memories?limit=100&order=asc${after}`)).json()
    for (const memory of page.data) {
      const response = memory.source.response_id
      found.set(response, [...(found.get(response) ?? []), memory])
    }
    if (!page.has_more) return found
    after = `&after=${page.last_id}`
  }
}

test('what an acknowledged turn told is remembered after kill -9, and of other turns all or nothing is', async () => {
  const folder = temporaryFolder()
  const acknowledged = new Map<string, string>()
  let [next, server] = [0, await start(folder)]
  for (let round = 0; round < ROUNDS; round++) {
    const clients = Array.from({ length: CLIENTS }, async () => {
      for (;;) {
        const number = next++
        const text = `My locker${number} code is ${number}77. My gate${number} code is ${number}88.`
        const response = await tell(server, text).catch(() => null)
        if (!response) return
        acknowledged.set(response.id, String(number))
      }
    })
    while (acknowledged.size < 4 * (round + 1))
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20))
    await kill(server)
    await Promise.all(clients)
    server = await start(folder)
  }
  const found = await memories(server)
  const lost = [...acknowledged].filter(([id, number]) => !found.get(id)?.[0].text.includes(`locker${number} `))
  expect(lost).toEqual([])
  expect([...found.values()].filter((taken) => taken.length !== 2)).toEqual([])
  expect(acknowledged.size).toBeGreaterThan(ROUNDS)
  await kill(server)
  expect(disagreements(folder)).toEqual([])
})

test('of a deleted response no byte of what it told is in any file, also after kill -9', async () => {
  const folder = temporaryFolder()
  const server = await start(folder)
  const secret = 'quetzalcoatlus'
  const { id } = await tell(server, `My locker code is ${secret}.`)
  const holds = (): string[] =>
    readdirSync(folder).filter((file) =>
      readFileSync(join(folder, file)).toString('latin1').toLowerCase().includes(secret),
    )
  expect(holds()).not.toEqual([])
  const noted = await tell(server, 'What is my locker code?')
  expect(noted.usage.mneme.memory.entries).toHaveLength(1)
  await fetch(`${server.url}/v1/responses/${id}`, { method: 'DELETE' })
  await kill(server)
  expect(holds()).toEqual([])
})
