import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createClients, inspect, talkAndKill, type Client } from '../support/kill-cycle.ts'
import { afterPowerCut, readRecord, recorded, recorderLibrary, type Operation } from '../support/power-loss/harness.ts'
import { startFakeServer, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

let seed = 7
const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32

async function start(data: string, environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startFakeServer({ flags: { data }, environment })
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

/** Clients talk to a recorded server until it is killed. With `at`, each acknowledgement is stamped with the record. */
async function talk(lie: boolean): Promise<{ clients: Client[]; operations: Operation[] }> {
  const [folder, record] = [join(temporaryFolder(), 'data'), join(temporaryFolder(), 'record')]
  const clients = createClients(4)
  const size = (): number => statSync(record).size
  await talkAndKill(folder, clients, 1500, { environment: recorded(folder, record, lie), stamp: size })
  return { clients, operations: readRecord(record, folder) }
}

/** How many acknowledged turns are gone after a power cut when `count` operations had happened. */
async function lostAfter(count: number, operations: readonly Operation[], clients: readonly Client[]): Promise<number> {
  const folder = join(temporaryFolder(), 'data')
  afterPowerCut(operations, count, folder, random)
  const end = operations[count - 1]?.end ?? 0
  const before = clients.map((client) => ({
    ...client,
    acknowledged: client.acknowledged.filter(({ stamp }) => stamp <= end),
    begun: [],
  }))
  const server = await startFakeServer({ flags: { data: folder } })
  const { lost, half } = await inspect(server, before)
  expect(half).toBe(0)
  server.child.kill('SIGKILL')
  await server.exited
  return lost
}

describe.skipIf(recorderLibrary() === null)('a power cut (needs gcc)', { timeout: 240_000 }, () => {
  test('at any moment loses no acknowledged turn', async () => {
    const { clients, operations } = await talk(false)
    const stamps = clients.flatMap(({ acknowledged }) => acknowledged.map(({ stamp }) => stamp))
    expect(stamps.length).toBeGreaterThan(10)
    // Right after an acknowledgement, which is the hardest moment, and anywhere.
    const moments = Array.from({ length: 4 }, (_, i) => {
      const stamp = stamps[Math.floor(random() * stamps.length)] as number
      const at = operations.findIndex(({ end }) => end >= stamp)
      return i % 2 === 0 ? at + 1 : Math.max(1, Math.floor(random() * operations.length))
    })
    for (const count of moments) expect(await lostAfter(count, operations, clients)).toBe(0)
  })

  test('would lose turns if syncs did nothing: the test above can fail', async () => {
    const { clients, operations } = await talk(true)
    expect(operations.some(({ kind }) => kind === 'sync')).toBe(false)
    const lost = await lostAfter(operations.length, operations, clients).catch(() => Infinity)
    expect(lost).toBeGreaterThan(0)
  })

  test('nothing of the log is unsynced when a turn is acknowledged', async () => {
    const [folder, record] = [join(temporaryFolder(), 'data'), join(temporaryFolder(), 'record')]
    mkdirSync(folder)
    const server = await start(folder, recorded(folder, record))
    let last: string | null = null
    for (let i = 0; i < 10; i++) {
      const answer = await server.post('/v1/responses', {
        input: `turn ${i}`,
        previous_response_id: last,
        max_output_tokens: 4,
      })
      const acknowledged = readRecord(record, folder)
      last = ((await answer.json()) as Json).id
      const log = acknowledged.filter(({ file }) => file === 'mneme.db-wal')
      expect(log.some(({ data }) => data.includes(`turn ${i}`))).toBe(true)
      expect(log.at(-1)?.kind).toBe('sync')
    }
    // A deletion is acknowledged when its text is in no file, also after a power cut at that moment.
    const removed = await fetch(`${server.url}/v1/responses/${last}`, { method: 'DELETE' })
    expect(removed.status).toBe(200)
    const operations = readRecord(record, folder)
    for (let i = 0; i < 2; i++) {
      const left = join(temporaryFolder(), 'data')
      afterPowerCut(operations, operations.length, left, random)
      const again = await start(left)
      expect((await fetch(`${again.url}/v1/responses/${last}`)).status).toBe(404)
      again.child.kill('SIGKILL')
      await again.exited
    }
  })
})
