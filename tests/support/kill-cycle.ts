/** One round of the crash test: clients hold conversations, the server is killed at a random moment. */
import { WebSocket } from 'ws'
import { startFakeServer, type ServerProcess } from './process.ts'

/** A turn that the server acknowledged: response.completed or .incomplete was seen. */
export interface Acknowledged {
  readonly id: string
  readonly input: string
  readonly text: string
  readonly previous: string | null
  /** What `stamp` gave when it was seen. */
  readonly stamp: number
}

export interface Client {
  last: string | null
  readonly acknowledged: Acknowledged[]
  /** Turns that had begun and were not acknowledged when the server died. */
  readonly begun: string[]
}

export interface RoundOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, unknown>>
  readonly stamp?: () => number
  /** What else is done with the server until it is gone. */
  readonly beside?: (server: ServerProcess) => Promise<void>
}

export interface Findings {
  readonly lost: number
  readonly half: number
}

interface StoredResponse {
  readonly id: string
  readonly status: string
  readonly usage: unknown
  readonly previous_response_id: string | null
  readonly output: readonly { readonly content: readonly { readonly text: string }[] }[]
}

/** Turns of one conversation. */
const CONVERSATION = 30

/** Some turns are shorter than a page of 64 positions, some longer. */
const inputOf = (turn: number): string => `turn ${turn} ${'and so on '.repeat((turn * 7) % 13)}`.trim()

const request = (input: string, previous: string | null) => ({
  input,
  previous_response_id: previous,
  max_output_tokens: 12,
  mneme: { seed: 1 },
})

type Event = { readonly type: string; readonly response: StoredResponse }

export function createClients(count: number): Client[] {
  return Array.from({ length: count }, () => ({ last: null, acknowledged: [], begun: [] }))
}

/**
 * Runs a server on `folder`, lets the clients talk, kills it with SIGKILL `afterMs` after its first acknowledgement;
 * resolves when it is dead.
 */
export async function talkAndKill(
  folder: string,
  clients: readonly Client[],
  afterMs: number,
  { environment = {}, flags = {}, stamp = () => 0, beside = () => Promise.resolve() }: RoundOptions = {},
): Promise<void> {
  const server = await startFakeServer({
    flags: { data: folder, ...flags },
    environment: { FAKE_DELAY_MS: '1', ...environment },
  })
  let begun: (() => void) | undefined
  const acknowledged = new Promise<void>((resolve) => (begun = resolve))
  const talks = [...clients.map((client) => talk(server, client, stamp, () => begun?.())), beside(server)]
  await acknowledged
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  server.child.kill('SIGKILL')
  await server.exited
  await Promise.all(talks)
}

/**
 * How many of the acknowledged turns have another text in conversations that nothing interrupts, and how many branches go
 * on otherwise after the last kill.
 */
export async function differences(
  server: ServerProcess,
  uninterrupted: ServerProcess,
  clients: readonly Client[],
): Promise<number> {
  const ask = async (at: ServerProcess, input: string, previous: string | null): Promise<StoredResponse> =>
    (await at.post('/v1/responses', request(input, previous))).json() as Promise<StoredResponse>
  const ofClient = async ({ acknowledged }: Client): Promise<number> => {
    let different = 0
    const twins = new Map<string | null, string | null>([[null, null]])
    for (const [at, { id, input, text, previous }] of acknowledged.entries()) {
      const twin = await ask(uninterrupted, input, twins.get(previous) ?? null)
      twins.set(id, twin.id)
      if (textOf(twin) !== text) different++
      if (at % 10 !== 0) continue
      const [here, there] = [await ask(server, 'on', id), await ask(uninterrupted, 'on', twin.id)]
      if (textOf(here) !== textOf(there)) different++
    }
    return different
  }
  const counts = await Promise.all(clients.map(ofClient))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** What is wrong with a restarted server's memory: acknowledged turns that are not there, turns that are not whole. */
export async function inspect(server: ServerProcess, clients: readonly Client[]): Promise<Findings> {
  let [lost, half] = [0, 0]
  for (const { acknowledged, begun } of clients) {
    for (const { id, text, previous } of acknowledged) {
      const found = await read(server, id)
      if (!found || textOf(found) !== text || found.previous_response_id !== previous) lost++
    }
    for (const id of begun) {
      const found = await read(server, id)
      if (found && (!/^(completed|incomplete)$/.test(found.status) || found.usage === null)) half++
      // Whole also means that it can be continued.
      if (found && !(await continues(server, id))) half++
    }
  }
  return { lost, half }
}

async function talk(
  server: ServerProcess,
  client: Client,
  stamp: () => number,
  onAcknowledged: () => void,
): Promise<void> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/responses`)
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  socket.on('error', () => undefined)
  const ask = (): void => {
    const turn = client.acknowledged.length
    if (turn % CONVERSATION === 0) client.last = null
    socket.send(JSON.stringify({ type: 'response.create', ...request(inputOf(turn), client.last) }))
  }
  socket.on('open', ask)
  socket.on('message', (data: Buffer) => {
    const { type, response } = JSON.parse(data.toString()) as Event
    if (type === 'response.created') client.begun.push(response.id)
    if (type !== 'response.completed' && type !== 'response.incomplete') return
    client.begun.pop()
    const input = inputOf(client.acknowledged.length)
    client.acknowledged.push({
      id: response.id,
      input,
      text: textOf(response),
      previous: client.last,
      stamp: stamp(),
    })
    client.last = response.id
    onAcknowledged()
    ask()
  })
  await closed
}

function textOf(response: StoredResponse): string {
  return response.output[0]?.content[0]?.text ?? ''
}

async function read(server: ServerProcess, id: string): Promise<StoredResponse | null> {
  const answer = await fetch(`${server.url}/v1/responses/${id}`)
  return answer.status === 200 ? ((await answer.json()) as StoredResponse) : null
}

async function continues(server: ServerProcess, id: string): Promise<boolean> {
  const body = { input: 'on', previous_response_id: id, max_output_tokens: 1, store: false }
  return (await server.post('/v1/responses', body)).status === 200
}
