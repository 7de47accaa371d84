/** Memory of every kind, and damaged data, in real processes. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { editDatabase } from '../support/edit-database.ts'
import { killServers, type SERVERS } from '../support/kill-kinds.ts'
import { startFakeServer, type ProcessOptions, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

async function start(folder: string, options: Partial<ProcessOptions> = {}): Promise<ServerProcess> {
  const server = await startFakeServer({ ...options, flags: { data: folder, ...options.flags } })
  onTestFinished(() => kill(server))
  return server
}

async function kill(server: ServerProcess): Promise<void> {
  server.child.kill('SIGKILL')
  await server.exited
}

async function ask(server: ServerProcess, input: string, previous: string | null): Promise<Json> {
  const body = { input, max_output_tokens: 8, mneme: { seed: 1 }, previous_response_id: previous }
  const response = await server.post('/v1/responses', body)
  expect(response.status).toBe(200)
  return response.json()
}

const textOf = (response: Json): string => response.output[0].content[0].text

/** Bytes of a state that is not written together with its turn. */
const LARGE = String(3 * 1024 * 1024)

const KINDS: [name: string, environment: Record<string, string>][] = [
  ['that grows with every token', { FAKE_APPEND: '1' }],
  ['that is large and follows its turn to the disk', { FAKE_STATE_BYTES: LARGE }],
]

describe.each(KINDS)('a memory %s', (_, environment) => {
  test('is the same after kill -9 as without one, and in forks of every turn', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()]
    // Longer than a page of 64 positions, so that turns share pages
    const inputs = ['a'.repeat(50), 'b'.repeat(100), 'c']
    const uninterrupted = await start(other, { environment })
    const [here, there]: [Json[], Json[]] = [[], []]
    for (const [i, input] of inputs.entries()) {
      const server = await start(folder, { environment })
      here.push(await ask(server, input, here.at(-1)?.id ?? null))
      await kill(server)
      there.push(await ask(uninterrupted, input, there.at(-1)?.id ?? null))
      expect(textOf(here[i])).toBe(textOf(there[i]))
    }
    const server = await start(folder, { environment })
    for (const [i, turn] of here.entries()) {
      const fork = await ask(server, 'and then?', turn.id)
      expect(textOf(fork)).toBe(textOf(await ask(uninterrupted, 'and then?', there[i].id)))
      expect(fork.usage.mneme.rebuilt).not.toBe('different')
    }
  })

  test('is rebuilt with the same bits where it was not kept', async () => {
    const server = await start(temporaryFolder(), { environment, flags: { keepStates: 1, prefixCache: 0 } })
    const turns: Json[] = []
    for (let i = 0; i < 10; i++)
      turns.push(await ask(server, `turn ${i} ${'x'.repeat(i * 20)}`, turns.at(-1)?.id ?? null))
    const forks = []
    for (const { id } of turns) forks.push((await ask(server, 'fork', id)).usage.mneme)
    expect(forks.filter(({ resumed_from }) => resumed_from === 'replay').length).toBeGreaterThan(3)
    for (const { resumed_from, rebuilt } of forks) expect(rebuilt).toBe(resumed_from === 'replay' ? 'identical' : null)
  })
})

// tests/bench/kills.ts does the same 200 times each.
test.each<[what: string, kind: keyof typeof SERVERS]>([
  ['large states with pages follow their turns to the disk', 'pages'],
  ['hardly any state and no prefix is kept for long', 'evictions'],
])('killed with -9 while %s, a server loses nothing, and goes on as if nothing had happened', async (_, kind) => {
  const report = await killServers(kind, 4, temporaryFolder(), temporaryFolder())
  expect(report).toMatchObject({ lost: 0, half: 0, different: 0, disagreements: [] })
  expect(report.acknowledged).toBeGreaterThan(4)
})

describe('a damaged byte', () => {
  const environment = { FAKE_APPEND: '1' }
  const counted = async (server: ServerProcess, metric: string): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    return Number(new RegExp(`^mneme_${metric} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  }

  test.each([
    ['a page', 'UPDATE page SET bytes = zeroblob(length(bytes)) WHERE previous IS NULL'],
    ['the fixed part of a state', 'UPDATE state SET fixed = zeroblob(length(fixed))'],
    ['the last, unfilled page of a state', 'UPDATE state SET tail = zeroblob(length(tail))'],
    ['the name of a state’s last page', 'UPDATE state SET page = zeroblob(32)'],
  ])('in %s is found, told, and the state is rebuilt to the same bits, once', async (_, sql) => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()]
    const [before, uninterrupted] = [await start(folder, { environment }), await start(other, { environment })]
    const [here, there]: [Json[], Json[]] = [[], []]
    for (const input of ['a'.repeat(100), 'b'.repeat(100)]) {
      here.push(await ask(before, input, here.at(-1)?.id ?? null))
      there.push(await ask(uninterrupted, input, there.at(-1)?.id ?? null))
    }
    await kill(before)
    editDatabase(folder, sql)
    const after = await start(folder, { environment })
    const [first, second] = [await ask(after, 'and?', here[1].id), await ask(after, 'and then?', here[1].id)]
    expect(first.usage.mneme).toMatchObject({ resumed_from: 'replay', rebuilt: 'identical' })
    expect(second.usage.mneme).toMatchObject({ resumed_from: 'disk', rebuilt: null })
    for (const [input, response] of [
      ['and?', first],
      ['and then?', second],
    ] as const)
      expect(textOf(response)).toBe(textOf(await ask(uninterrupted, input, there[1].id)))
    expect(after.stderr()).toMatch(/a stored state is not what was written/)
    expect(await counted(after, 'damage_found_total{what="state"}')).toBeGreaterThan(0)
    expect(await counted(after, 'state_rebuilds_total{result="identical"}')).toBeGreaterThan(0)
    // The turn before it was damaged too, and has been mended or is now.
    expect(textOf(await ask(after, 'b', here[0].id))).toBe(textOf(await ask(uninterrupted, 'b', there[0].id)))
  })

  test('in a turn’s tokens is told, and no conversation goes on from them', async () => {
    const folder = temporaryFolder()
    const before = await start(folder, { environment })
    const turn = await ask(before, 'one', null)
    await kill(before)
    editDatabase(folder, 'UPDATE response SET prompt = zeroblob(length(prompt))')
    const server = await start(folder, { environment })
    const answer = await server.post('/v1/responses', { input: 'two', previous_response_id: turn.id })
    expect([answer.status, ((await answer.json()) as Json).error.code]).toEqual([500, 'storage_corrupt'])
    expect(server.stderr()).toMatch(/a stored turn is not what was written/)
    expect(await counted(server, 'damage_found_total{what="turn"}')).toBe(1)
  })
})

describe('what is stored', () => {
  test('is refused in a sentence where it is damaged, can be deleted, and nothing else suffers', async () => {
    const folder = temporaryFolder()
    const before = await start(folder)
    const damaged = await ask(before, 'one', null)
    const healthy = await ask(before, 'two', null)
    await kill(before)
    const sql = "UPDATE response SET document = x'ff' || document WHERE id = ?"
    editDatabase(folder, sql, damaged.id)
    const server = await start(folder)
    const url = `${server.url}/v1/responses`
    const read = await fetch(`${url}/${damaged.id}`)
    expect([read.status, ((await read.json()) as Json).error.code]).toEqual([500, 'storage_corrupt'])
    expect(textOf(await (await fetch(`${url}/${healthy.id}`)).json())).toBe(textOf(healthy))
    expect((await fetch(`${url}/${damaged.id}`, { method: 'DELETE' })).status).toBe(200)
    expect((await fetch(`${url}/${damaged.id}`)).status).toBe(404)
    await ask(server, 'three', healthy.id)
  })

  test.each(['mneme.db', 'mneme.db-wal'])(
    'is not acknowledged once %s was taken away: the server says so and ends',
    async (file) => {
      const folder = temporaryFolder()
      const server = await start(folder)
      const first = await ask(server, 'one', null)
      rmSync(join(folder, file))
      const response = await server.post('/v1/responses', { input: 'two', previous_response_id: first.id })
      expect([response.status, ((await response.json()) as Json).error.code]).toEqual([503, 'storage_gone'])
      expect(await server.exited).toBe(1)
      expect(server.stderr()).toMatch(/was removed or replaced while the server was using it/)
    },
  )
})
