/** One round of the crash test: clients hold conversations over WebSocket, the server is killed at a random moment. */
import { WebSocket } from 'ws'
import { startFakeServer, type ServerProcess } from './process.ts'

/** A turn that the server acknowledged: response.completed or .incomplete was seen. */
export interface Acknowledged {
  readonly id: string
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
  { environment = {}, stamp = () => 0 }: { environment?: Record<string, string>; stamp?: () => number } = {},
): Promise<void> {
  const server = await startFakeServer({ flags: { data: folder }, environment: { FAKE_DELAY_MS: '1', ...environment } })
  let begun: (() => void) | undefined
  const acknowledged = new Promise<void>((resolve) => (begun = resolve))
  const talks = clients.map((client) => talk(server, client, stamp, () => begun?.()))
  await acknowledged
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  server.child.kill('SIGKILL')
  await server.exited
  await Promise.all(talks)
}

/** What is wrong with a restarted server's memory: acknowledged turns that are not there, turns that are not whole. */
export async function inspect(server: ServerProcess, clients: readonly Client[]): Promise<Findings> {
  let [lost, half] = [0, 0]
  for (const { acknowledged, begun } of clients) {
    for (const { id, text, previous } of acknowledged) {
      const found = await read(server, id)
      if (found?.output[0]?.content[0]?.text !== text || found.previous_response_id !== previous) lost++
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
    const input = `turn ${client.acknowledged.length}`
    socket.send(
      JSON.stringify({ type: 'response.create', input, previous_response_id: client.last, max_output_tokens: 12 }),
    )
  }
  socket.on('open', ask)
  socket.on('message', (data: Buffer) => {
    const { type, response } = JSON.parse(data.toString()) as Event
    if (type === 'response.created') client.begun.push(response.id)
    if (type !== 'response.completed' && type !== 'response.incomplete') return
    client.begun.pop()
    const text = response.output[0]?.content[0]?.text ?? ''
    client.acknowledged.push({ id: response.id, text, previous: client.last, stamp: stamp() })
    client.last = response.id
    onAcknowledged()
    ask()
  })
  await closed
}

async function read(server: ServerProcess, id: string): Promise<StoredResponse | null> {
  const answer = await fetch(`${server.url}/v1/responses/${id}`)
  return answer.status === 200 ? ((await answer.json()) as StoredResponse) : null
}

async function continues(server: ServerProcess, id: string): Promise<boolean> {
  const body = { input: 'on', previous_response_id: id, max_output_tokens: 1, store: false }
  return (await server.post('/v1/responses', body)).status === 200
}
