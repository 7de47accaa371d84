import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFakeServer, type ServerProcess } from '../support/process.ts'
import { onDisk, resizeDisk, smallDisk, smallDisksWork } from '../support/small-disk.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

const MIB = 1024 * 1024
/** Room for the reserve, and for a little more. */
const SMALL = 18 * MIB

async function start(
  folder: string,
  bytes: number,
  keep?: string,
  { environment = {}, ...flags }: { environment?: Record<string, string>; prefixCache?: number } = {},
): Promise<ServerProcess> {
  const fill = keep === undefined ? 'true' : `cp -a ${keep}/. ${folder}/ && chmod 600 ${folder}/mneme.*`
  const server = await startFakeServer({
    flags: { data: folder, ...flags },
    environment,
    before: `${smallDisk(folder, bytes)} && ${fill}`,
    through: ['unshare', '-m'],
  })
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

const SECRET = 'a-secret-that-must-go'
const turn = { max_output_tokens: 4, mneme: { seed: 1 } }
const large = { ...turn, input: `${SECRET} ${'x'.repeat(110_000)}` }

/** Stores responses until there is no room for one more; returns their ids. */
async function fill(server: ServerProcess): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < 400; i++) {
    const answer = await server.post('/v1/responses', large)
    const body = (await answer.json()) as Json
    if (answer.status !== 200) {
      expect([answer.status, body.error.code]).toEqual([507, 'storage_full'])
      return ids
    }
    ids.push(body.id)
  }
  throw new Error('the disk never became full')
}

const remove = async (server: ServerProcess, id: string): Promise<number> =>
  (await fetch(`${server.url}/v1/responses/${id}`, { method: 'DELETE' })).status

/** How often the secret is in the files of the data folder. */
const found = (server: ServerProcess, folder: string): number =>
  Number(onDisk(server.child.pid, `cat ${folder}/* | grep -ao ${SECRET} | wc -l`))

describe.skipIf(!smallDisksWork)('a full disk (needs unshare and mount)', () => {
  test('fails the turn, serves what is stored, and lets everything be deleted, leaving no trace', async () => {
    const folder = temporaryFolder()
    const server = await start(folder, SMALL)
    const ids = await fill(server)
    expect(ids.length).toBeGreaterThan(5)
    onDisk(server.child.pid, `cat /dev/zero > ${folder}/filler; true`)
    expect(onDisk(server.child.pid, `df --output=avail ${folder} | tail -1`).trim()).toBe('0')
    expect((await fetch(`${server.url}/v1/responses/${ids[0]}`)).status).toBe(200)
    expect(found(server, folder)).toBeGreaterThan(0)
    for (const id of ids) expect(await remove(server, id)).toBe(200)
    expect(found(server, folder)).toBe(0)
    // What was freed inside the database is room for new turns.
    resizeDisk(server.child.pid, folder, 4 * SMALL)
    expect((await server.post('/v1/responses', { ...turn, input: 'hi' })).status).toBe(200)
    expect(found(server, folder)).toBe(0)
  })

  test('is no reason not to start: what is stored can be read, continued and deleted', async () => {
    const folder = temporaryFolder()
    const server = await start(folder, SMALL)
    const ids = await fill(server)
    onDisk(server.child.pid, `cat /dev/zero > ${folder}/filler; true`)
    const copy = join(temporaryFolder(), 'copy')
    mkdirSync(copy)
    writeFileSync(join(copy, 'started'), '')
    onDisk(server.child.pid, `cp -a ${folder}/. ${copy}/`)
    server.child.kill('SIGKILL')
    await server.exited
    // The same folder on a disk of the same size: 0 bytes are free.
    const again = await start(folder, SMALL, copy)
    expect((await fetch(`${again.url}/v1/responses/${ids[0]}`)).status).toBe(200)
    const unstored = { ...turn, input: 'on', previous_response_id: ids[0], store: false }
    expect((await again.post('/v1/responses', unstored)).status).toBe(200)
    expect((await again.post('/v1/responses', large)).status).toBe(507)
    expect(await remove(again, ids[0] as string)).toBe(200)
  })

  test('ends nobody else’s turn, and is over when there is room', async () => {
    const folder = temporaryFolder()
    const server = await start(folder, SMALL)
    await fill(server)
    const small = server.post('/v1/responses', { ...turn, input: 'small', store: false })
    const statuses = await Promise.all(
      [server.post('/v1/responses', large), small].map(async (answer) => (await answer).status),
    )
    expect(statuses).toEqual([507, 200])
    resizeDisk(server.child.pid, folder, 4 * SMALL)
    expect((await server.post('/v1/responses', large)).status).toBe(200)
  })

  test('while a state follows its turn: the turn stays, the state is rebuilt, and every conversation goes on', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()]
    const size = 56 * MIB
    // Without memory of its own for what it has just computed, as after a restart
    const options = { environment: { FAKE_APPEND: '1', FAKE_STATE_BYTES: String(3 * MIB) }, prefixCache: 0 }
    const server = await start(folder, size, undefined, options)
    const roomy = await start(other, 8 * size, undefined, options)
    const ask = async (at: ServerProcess, input: string, previous: string | null): Promise<Json> => {
      const answer = await at.post('/v1/responses', { ...turn, input, previous_response_id: previous })
      expect(answer.status).toBe(200)
      return answer.json()
    }
    const failures = async (): Promise<number> => {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      return Number(/^mneme_state_store_failures_total\{reason="full"\} (\d+)$/m.exec(text)?.[1] ?? 0)
    }
    const [here, there]: [Json[], Json[]] = [[], []]
    for (let i = 0; i < 12; i++) {
      // Longer than a page, so that the next turn shares pages of a state that could not be written.
      here.push(await ask(server, `${i}`.repeat(100), here.at(-1)?.id ?? null))
      there.push(await ask(roomy, `${i}`.repeat(100), there.at(-1)?.id ?? null))
      expect(here[i].output[0].content).toEqual(there[i].output[0].content)
    }
    expect(await failures()).toBeGreaterThan(0)
    expect(server.stderr()).toMatch(/a state could not be stored; it is rebuilt when it is needed/)
    for (const { id } of here) expect((await fetch(`${server.url}/v1/responses/${id}`)).status).toBe(200)
    resizeDisk(server.child.pid, folder, 8 * size)
    const last = here.at(-1).id as string
    const rebuilt = await ask(server, 'on', last)
    expect(rebuilt.usage.mneme.resumed_from).toBe('replay')
    expect(rebuilt.output[0].content).toEqual((await ask(roomy, 'on', there.at(-1).id)).output[0].content)
    expect((await ask(server, 'on', last)).usage.mneme.resumed_from).toBe('disk')
  })
})
