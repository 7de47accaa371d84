/** The second reading of a turn follows its reply: who goes on from the turn waits for it, and a crash costs a replay. */
import { cpSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { END } from '../../support/fake-model.ts'
import { startTestServer, type Json, type TestOptions, type TestServer } from '../../support/test-server.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const CODE = 'My locker code is 4071.'
const QUESTION = 'What is my locker code?'
const [REPLY, SAID] = [258, `<${QUESTION}><ok>`]

/** A server whose model answers "ok", and whose engine stands still at the next second reading while `gate` is shut. */
async function standingStill(options: TestOptions = {}): Promise<{ server: TestServer; read: string[]; gate: Gate }> {
  const read: string[] = []
  const gate = new Gate()
  const next = (history: readonly number[]): number => {
    if (history.at(-1) === REPLY) read.push(textOf(history))
    if (history.at(-1) === REPLY) return 'o'.charCodeAt(0)
    return textOf(history).endsWith('<o') ? 'k'.charCodeAt(0) : END
  }
  const server = await startTestServer({ memories: 'on', append: true, next, pause: () => gate.opened, ...options })
  const engine = server.deps.models[0]!.engine
  const { submit } = engine
  engine.submit = (job, rest) => {
    if (job.kind === 'turn' && job.prompt.kind === 'chat' && job.prompt.reply !== undefined) gate.reached()
    return submit(job, rest)
  }
  onTestFinished(() => gate.open())
  return { server, read, gate }
}

/** Once `shut` was called, it is shut from when it is reached. */
class Gate {
  opened: Promise<void> = Promise.resolve()
  open: () => void = () => undefined
  #isArmed = false

  shut(): void {
    this.#isArmed = true
  }

  reached(): void {
    if (this.#isArmed) this.opened = new Promise((resolve) => (this.open = resolve))
    this.#isArmed = false
  }
}

/** Messages between angle brackets; what the template writes around them is not shown. */
const textOf = (ids: readonly number[]): string =>
  ids.map((id) => (id < 256 ? String.fromCharCode(id) : id === END ? '>' : '<')).join('')

async function respond(server: TestServer, body: Json): Promise<Json> {
  const { status, json } = await server.post('/v1/responses', { model: 'fake', ...body })
  expect([status, json.error]).toEqual([200, null])
  return json
}

async function isKept({ deps: { store } }: TestServer, id: string): Promise<boolean> {
  const held = await store.hold(id)
  if (held) await store.release(id)
  return held
}

/** Whether a promise is settled once everything that can be done has been done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.finally(() => (settled = true))
  await new Promise((resolve) => setTimeout(resolve, 100))
  return settled
}

test.each([
  ['of a first turn', {}, false],
  ['of a turn in a conversation', {}, true],
  ['of a large state', { stateBytes: 2 * 1024 * 1024 }, true],
  ['of a state that stays in memory', { recentStates: 2 ** 26 }, true],
])(
  'a reply is there before its turn is read again without notes, and the next turn waits for that: %s',
  async (...given) => {
    const [, options, continues] = given
    const { server, read, gate } = await standingStill(options)
    const told = await respond(server, { input: CODE })
    gate.shut()
    const noted = await respond(server, { input: QUESTION, ...(continues ? { previous_response_id: told.id } : {}) })
    expect(noted.usage.mneme.memory).toMatchObject({ entries: [{}], second_reading: { tokens: expect.any(Number) } })
    expect(await isKept(server, noted.id)).toBe(false)
    read.length = 0
    const next = respond(server, { input: 'And then?', previous_response_id: noted.id })
    expect(await isSettled(next)).toBe(false)
    gate.open()
    const { usage } = await next
    expect(usage.mneme.resumed_from).toBe('recentStates' in options ? 'memory' : 'disk')
    expect(read.at(-1)).toBe(`${continues ? `<${CODE}><ok>` : ''}${SAID}<And then?><`)
  },
)

test.each([false, true])('a crash before it costs a replay of the turn: in a conversation %s', async (continues) => {
  const folder = temporaryFolder()
  const { server, gate } = await standingStill({ folder })
  const told = await respond(server, { input: CODE })
  gate.shut()
  const noted = await respond(server, { input: QUESTION, ...(continues ? { previous_response_id: told.id } : {}) })
  const crashed = temporaryFolder()
  cpSync(folder, crashed, { recursive: true })
  gate.open()
  const goOn = { input: 'And then?', previous_response_id: noted.id }
  const uninterrupted = await respond(server, goOn)
  const { server: after, read } = await standingStill({ folder: crashed })
  const replayed = await respond(after, goOn)
  expect(replayed.usage.mneme).toMatchObject({ resumed_from: 'replay' })
  expect(read.at(-1)).toBe(`${continues ? `<${CODE}><ok>` : ''}${SAID}<And then?><`)
  expect(replayed.output[0].content).toEqual(uninterrupted.output[0].content)
})

test('a turn that is deleted before it has been read again leaves no state behind, and nobody goes on from it', async () => {
  const { server, gate } = await standingStill({ recentStates: 2 ** 26 })
  await respond(server, { input: CODE })
  const { states: before } = await server.deps.store.statistics()
  gate.shut()
  const noted = await respond(server, { input: QUESTION })
  const deleting = server.request('DELETE', `/v1/responses/${noted.id}`)
  expect(await isSettled(deleting)).toBe(false)
  gate.open()
  expect((await deleting).status).toBe(200)
  const { status } = await server.post('/v1/responses', { input: 'And then?', previous_response_id: noted.id })
  expect(status).toBe(404)
  expect((await server.deps.store.statistics()).states).toBe(before)
})

test('a server that stops waits for it', async () => {
  const { server, gate } = await standingStill()
  await respond(server, { input: CODE })
  gate.shut()
  const noted = await respond(server, { input: QUESTION })
  const drained = server.deps.lifecycle.drain(10_000)
  expect(await isSettled(drained)).toBe(false)
  gate.open()
  await drained
  expect(await isKept(server, noted.id)).toBe(true)
})

test('where a server cannot wait any longer, the turn stays, and its state is rebuilt', async () => {
  const folder = temporaryFolder()
  const { server, gate } = await standingStill({ folder })
  await respond(server, { input: CODE })
  gate.shut()
  const noted = await respond(server, { input: QUESTION })
  await server.deps.lifecycle.drain(0)
  expect(await isKept(server, noted.id)).toBe(false)
  gate.open()
  await server.close()
  const { server: after, read } = await standingStill({ folder })
  const next = await respond(after, { input: 'And then?', previous_response_id: noted.id })
  expect(next.usage.mneme.resumed_from).toBe('replay')
  expect(read.at(-1)).toBe(`${SAID}<And then?><`)
})
