/** Two tenants who use every endpoint in random order, over restarts and rebuilt indexes; every answer is searched for what is the other's. */
import { letters } from './letters-embedder.ts'
import { generator } from './many-memories.ts'
import { namesIn, Tenant, type Answered, type Asked } from './tenant.ts'
import { TENANT_REQUESTS } from './tenant-requests.ts'
import { temporaryFolder } from './temporary.ts'
import { startTestServer, type Json, type TestServer } from './test-server.ts'

export interface TenantReport {
  readonly operations: number
  readonly restarts: number
  readonly indexesMade: number
  /** Answers in which a tenant saw a mark of its own: so the search for marks finds any. */
  readonly ownSeen: number
  /** Replies that repeat what they have read. */
  readonly notesRepeated: number
  /** Prompts of a tenant that were found in the prefix cache. */
  readonly ownCached: number
  /** Requests that named something of the other tenant's. */
  readonly foreign: number
  /** What went wrong, in sentences. */
  readonly leaks: readonly string[]
  /** How often each endpoint was called. */
  readonly calls: ReadonlyMap<string, number>
}

/** Vectors of a namespace from which on they are indexed. */
const THRESHOLD = 40
const BURST = 50
/** A busy machine makes an index in seconds. */
const INDEX_MS = 15_000
/** A role, `N` and the digits are what shared prompts begin with. */
const SAME_BEGINNING = 8
const LONGEST_REPLY = 200
const USER = 257
const REPLY = 258
const SYSTEM = 259

export async function walkTenants(operations: number, seed: number): Promise<TenantReport> {
  const random = generator(seed)
  const folder = temporaryFolder()
  const [a, b] = [new Tenant('a'), new Tenant('b')]
  const counts = { restarts: 0, indexesMade: 0, ownSeen: 0, notesRepeated: 0, ownCached: 0, foreign: 0 }
  const calls = new Map<string, number>()
  const leaks: string[] = []
  const start = (): Promise<TestServer> =>
    startTestServer({
      folder,
      keys: [a.key, b.key],
      memories: 'on',
      verify: 'annotate',
      embedders: [letters],
      append: true,
      next: repeatMarks,
      vectorIndex: { threshold: THRESHOLD, pauseMs: 50 },
      memoryEntries: 200,
      keepStates: 4,
    })
  let server = await start()
  let url = await server.listen()

  const look = (tenant: Tenant, what: string, asked: Asked, answer: Answered): void => {
    const other = tenant === a ? b : a
    const sent = asked.path + JSON.stringify(asked.body ?? null)
    for (const name of tenant.leaks(answer.text, sent, other)) leaks.push(`${what} showed ${name} to ${tenant.name}`)
    if ([...namesIn(answer.text)].some((name) => name.startsWith(`q${tenant.name}`))) counts.ownSeen++
    if (asked.isForeign) {
      counts.foreign++
      if (answer.status < 400)
        leaks.push(`${what} took something of ${other.name} from ${tenant.name}: ${answer.status}`)
    }
    if (answer.status >= 500) leaks.push(`${what} failed: ${answer.status} ${answer.text.slice(0, 200)}`)
    if (what === 'POST /v1/responses' && answer.json?.usage?.mneme?.memory?.entries?.length > 0)
      if (namesIn(JSON.stringify(answer.json.output)).size > 1) counts.notesRepeated++
    lookAtCache(tenant, what, asked, answer)
  }
  const lookAtCache = (tenant: Tenant, what: string, { body }: Asked, { json }: Answered): void => {
    if (what === 'POST /reset_prefix_cache') tenant.prompts.clear()
    const prompt = (body as Json)?.messages?.[0]?.content as string | undefined
    if (what !== 'POST /v1/chat/completions' || !prompt?.startsWith('N') || !json?.usage) return
    const { cached_tokens: cached } = json.usage.prompt_tokens_details
    if (cached > SAME_BEGINNING) {
      if (tenant.prompts.has(prompt)) counts.ownCached++
      else leaks.push(`${what}: ${cached} tokens of a prompt that ${tenant.name} has not sent were cached`)
    }
    tenant.prompts.add(prompt)
  }

  const call = async (tenant: Tenant, name: string): Promise<void> => {
    const { ask, keep } = TENANT_REQUESTS[name]!
    const asked = ask({ tenant, other: tenant === a ? b : a, random })
    if (!asked) return
    const answer =
      name === 'GET /v1/responses' ? await tenant.converse(url, asked.body!) : await send(tenant, name, asked)
    calls.set(name, (calls.get(name) ?? 0) + 1)
    look(tenant, name, asked, answer)
    keep?.(tenant, answer, asked)
  }
  const send = (tenant: Tenant, name: string, asked: Asked): Promise<Answered> =>
    tenant.request(url, name.split(' ')[0]!, asked)
  const restart = async (): Promise<void> => {
    await server.close()
    server = await start()
    url = await server.listen()
    counts.restarts++
  }
  /** So many near duplicates that their namespace gets an index, which a deletion takes away again. */
  const rebuild = async (tenant: Tenant): Promise<void> => {
    const messages = Array.from({ length: BURST }, () => ({
      role: 'user',
      content: `My locker code is ${tenant.mark()}.`,
    }))
    const add = { path: '/v1/memories', body: { messages }, isForeign: false }
    look(tenant, 'POST /v1/memories', add, await send(tenant, 'POST ', add))
    const query = { path: '/v1/memories/search', body: { query: 'My locker code', limit: 100 }, isForeign: false }
    for (const began = performance.now(); performance.now() - began < INDEX_MS;) {
      look(tenant, 'POST /v1/memories/search', query, await send(tenant, 'POST ', query))
      const { indexes, building } = (await server.deps.store.statistics()).vectorIndex
      if (indexes > 0 && !building) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    if ((await server.deps.store.statistics()).vectorIndex.indexes > 0) counts.indexesMade++
  }
  /** Sends one prompt twice: few prompts are repeated by chance, and what is kept of them would not be looked at. */
  const again = async (tenant: Tenant): Promise<void> => {
    const what = 'POST /v1/chat/completions'
    const isShared = (asked: Asked | null): asked is Asked =>
      String((asked?.body as Json)?.messages?.[0]?.content).startsWith('N')
    let asked: Asked | null = null
    while (!isShared(asked)) asked = TENANT_REQUESTS[what]!.ask({ tenant, other: tenant === a ? b : a, random })
    for (let i = 0; i < 2; i++) look(tenant, what, asked, await send(tenant, what, asked))
  }
  const names = Object.keys(TENANT_REQUESTS)
  const weights = names.map((name) => TENANT_REQUESTS[name]!.weight ?? 1)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const choose = (): string => {
    let left = random() * total
    return names.find((_, i) => (left -= weights[i]!) < 0) ?? names[0]!
  }
  const restartEvery = Math.max(200, Math.floor(operations / 40))
  for (let at = 1; at <= operations; at++) {
    const tenant = random() < 0.5 ? a : b
    if (at % restartEvery === 0) await restart()
    else if (at % restartEvery === Math.floor(restartEvery / 2)) await rebuild(tenant)
    else await call(tenant, choose())
  }
  await again(a)
  return { operations, ...counts, leaks, calls }
}

/** A model that repeats every mark that it has read: what is in its prompt or its state is in its reply. */
function repeatMarks(history: readonly number[]): number {
  const begin = history.lastIndexOf(REPLY)
  const at = history.length - 1 - begin
  const read = String.fromCharCode(...history.slice(Math.max(0, begin - 4000), begin).map(asByte))
  const reply = [...namesIn(read)].join(' ').slice(0, LONGEST_REPLY)
  return reply.charCodeAt(at) || 256
}

const asByte = (id: number): number => (id < 256 ? id : ({ [USER]: 10, [SYSTEM]: 10 }[id] ?? 10))
