/** A tenant of a walk over all endpoints: what it may know, and what it must never see. */
import { WebSocket } from 'ws'
import type { Json } from './test-server.ts'

/** Every text that a tenant gives has one: `qa17z` is of tenant a. */
const MARKS = /\bq[ab]\d+z/g
/** Ids that the server makes are random, so each is of one tenant. */
const IDS = /\b[a-z]+_[0-9a-f]{48}(?![0-9a-f])/g

/** What a request needs besides its method; paths are filled in. */
export interface Asked {
  readonly path: string
  readonly body?: object
  readonly form?: FormData
  /** It names something of the other tenant's: it has to be refused. */
  readonly isForeign: boolean
}

export interface Answered {
  readonly status: number
  readonly text: string
  /** Null where it is none. */
  readonly json: Json
}

/** Things of one kind that a tenant has made: the ids of a path, outermost first. */
export type Pool =
  | 'resp'
  | 'mem'
  | 'file'
  | 'vs'
  | 'vsfile'
  | 'vsfb'
  | 'memstore'
  | 'smem'
  | 'memver'
  | 'conv'
  | 'convitem'

/** A tenant names the last things that it has made, of each kind so many. */
const MOST_OF_A_KIND = 24

export class Tenant {
  readonly name: 'a' | 'b'
  readonly key: string
  readonly #seen = new Set<string>()
  readonly #pools = new Map<Pool, string[][]>()
  /** The prompts that were sent since the prefix cache was dropped: others cannot be in it. */
  readonly prompts = new Set<string>()
  #marks = 0

  constructor(name: 'a' | 'b') {
    this.name = name
    this.key = `key-of-tenant-${name}`
  }

  /** A word that no other text has. */
  mark(): string {
    return `q${this.name}${++this.#marks}z`
  }

  /** Random ones of its own. */
  pick(kind: Pool, random: () => number): readonly string[] | null {
    const all = this.#pools.get(kind) ?? []
    return all[Math.floor(random() * all.length)] ?? null
  }

  made(kind: Pool, ...ids: string[]): void {
    const all = this.#pools.get(kind) ?? []
    this.#pools.set(kind, [...all, ids].slice(-MOST_OF_A_KIND))
  }

  /** What of an answer is the other tenant's; the rest is this one's from now on. `sent`: what its request said itself. */
  leaks(answer: string, sent: string, other: Tenant): string[] {
    const own = namesIn(sent)
    const found = [...namesIn(answer)].filter((name) => !own.has(name))
    const leaked = found.filter((name) => other.#seen.has(name) || name.startsWith(`q${other.name}`))
    for (const name of found) if (!leaked.includes(name)) this.#seen.add(name)
    return leaked
  }

  async request(url: string, method: string, { path, body, form }: Asked): Promise<Answered> {
    const headers = { authorization: `Bearer ${this.key}` }
    const json = body && { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const answer = await fetch(`${url}${path}`, { method, headers, ...json, ...(form && { body: form }) })
    return answered(answer.status, await answer.text())
  }

  /** One response over a WebSocket: its events are the answer's text. */
  async converse(url: string, body: object): Promise<Answered> {
    const headers = { authorization: `Bearer ${this.key}` }
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`, { headers })
    const events: string[] = []
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.once('open', () => socket.send(JSON.stringify({ type: 'response.create', ...body })))
        socket.on('message', (data: Buffer) => {
          events.push(data.toString())
          if (/"type":"(?:error|response\.(?:completed|incomplete|failed))"/.test(data.toString())) resolve()
        })
      })
    } finally {
      socket.terminate()
    }
    const last = JSON.parse(events.at(-1)!)
    const isRefused = last.type === 'error'
    return { status: isRefused ? (last.status ?? 400) : 200, text: events.join('\n'), json: last.response ?? last }
  }
}

function answered(status: number, text: string): Answered {
  try {
    return { status, text, json: JSON.parse(text) }
  } catch {
    return { status, text, json: null }
  }
}

export function namesIn(text: string): Set<string> {
  return new Set([...text.matchAll(MARKS), ...text.matchAll(IDS)].map(([name]) => name))
}
