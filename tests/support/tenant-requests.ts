/** For every endpoint a request of a tenant: often on its own things, sometimes on the other tenant's. */
import type { Answered, Asked, Pool, Tenant } from './tenant.ts'
import type { Json } from './test-server.ts'

export interface Choice {
  readonly tenant: Tenant
  readonly other: Tenant
  readonly random: () => number
}

/** Null: there is nothing yet that it could name. */
export type Request = (choice: Choice) => Asked | null

export interface TenantRequest {
  readonly ask: Request
  /** What the tenant has from then on. */
  readonly keep?: (tenant: Tenant, answer: Answered, asked: Asked) => void
  /** How often it is made, among others of 1. */
  readonly weight?: number
}

/** Of all requests that name something. */
const FOREIGN = 0.2
const USERS = ['ann', 'bob', null]
const NAMESPACES = ['default', 'work']
/** Both tenants say the same but for the mark, so that their vectors are next to each other. */
const SAYINGS = ['My locker code is', 'I like the tea', 'The wind around the house was', 'My sister is called']
const QUESTIONS = ['What is my locker code?', 'Which tea do I like?', 'How was the wind?', 'Who is my sister?']
/** Prompts that both tenants send, word by word. */
const SHARED_PROMPTS = 3

const one = <T>(all: readonly T[], random: () => number): T => all[Math.floor(random() * all.length)]!
const saying = ({ tenant, random }: Choice): string => `${one(SAYINGS, random)} ${tenant.mark()}.`
const question = ({ random }: Choice): string => one(QUESTIONS, random)
const label = (random: () => number, chance = 0.5) =>
  random() < chance ? {} : { user_id: one(USERS, random) ?? 'ann', namespace: one(NAMESPACES, random) }

/** Ids of a kind: its own, or of the other tenant. */
function named(kind: Pool, { tenant, other, random }: Choice): { ids: readonly string[]; isForeign: boolean } | null {
  const isForeign = random() < FOREIGN
  const ids = (isForeign ? other : tenant).pick(kind, random)
  return ids && { ids, isForeign }
}

/** A request on things of a kind: `path` has a place for each id. */
function on(kind: Pool, path: string, more: (choice: Choice) => Partial<Asked> = () => ({})): Request {
  return (choice) => {
    const found = named(kind, choice)
    if (!found) return null
    const { path: query = '', ...rest } = more(choice)
    const filled = found.ids.reduce((text, id) => text.replace('{}', id), path)
    return { ...rest, path: filled + query, isForeign: found.isForeign || rest.isForeign === true }
  }
}

const plain =
  (path: string, more: (choice: Choice) => Partial<Asked> = () => ({})): Request =>
  (choice) => {
    const { path: query = '', ...rest } = more(choice)
    return { isForeign: false, ...rest, path: path + query }
  }

const made =
  (kind: Pool, idsOf: (json: Json, asked: Asked) => string[] = ({ id }) => [id]) =>
  (tenant: Tenant, { status, json }: Answered, asked: Asked): void => {
    if (status === 200 && json) tenant.made(kind, ...idsOf(json, asked))
  }

/** The id that a path has behind this folder. */
const idIn = (path: string, folder: string): string => path.split(`/${folder}/`)[1]!.split(/[/?]/)[0]!

/** What a turn says: it tells or asks, goes on or begins, and may read files. */
function turn(choice: Choice): Asked {
  const { random } = choice
  const before = random() < 0.3 ? named('resp', choice) : null
  const store = random() < 0.3 ? named(random() < 0.5 ? 'vs' : 'memstore', choice) : null
  const conversation = !before && random() < 0.2 ? named('conv', choice) : null
  const input = random() < 0.5 ? saying(choice) : question(choice)
  const memory = { ...label(random), ...(random() < 0.1 ? { mode: 'read' } : {}) }
  const body = {
    model: 'fake',
    input,
    max_output_tokens: 64,
    include: ['file_search_call.results'],
    mneme: { memory, gates: random() < 0.5 ? { semantic: true } : {} },
    ...(before && { previous_response_id: before.ids[0] }),
    ...(conversation && { conversation: conversation.ids[0] }),
    ...(store && { tools: [{ type: 'file_search', vector_store_ids: [store.ids[0]] }] }),
  }
  return { path: '', body, isForeign: [before, store, conversation].some((found) => found?.isForeign) }
}

function rememberTurn(tenant: Tenant, { status, text, json }: Answered): void {
  if (status !== 200) return
  // Of a stream the last event has the whole response.
  const last = text.split('\n').findLast((line) => line.startsWith('data: {'))
  const response: Json = json ?? (last && JSON.parse(last.slice(6)).response)
  if (!response?.usage) return
  tenant.made('resp', response.id)
  for (const id of response.usage.mneme?.memory?.written ?? []) tenant.made('mem', id)
}

/** A prompt that the other tenant sends too. */
const sharedPrompt = ({ random }: Choice): string => {
  const number = Math.floor(random() * SHARED_PROMPTS)
  return `N${number} is a number that everybody asks about, in the very same words and at the same length.`
}

const page = ({ random }: Choice): Partial<Asked> => ({ path: random() < 0.5 ? '?limit=100&order=asc' : '?limit=3' })
const expiry = { anchor: 'last_active_at', days: 1 }
const textFile = (choice: Choice): Partial<Asked> => {
  const form = new FormData()
  const text = `${saying(choice)} ${question(choice)}`
  form.append('purpose', 'assistants')
  form.append('file', new File([text], `${choice.tenant.mark()}.txt`))
  return { form }
}
const attach = (choice: Choice): Partial<Asked> => {
  const file = named('file', choice)
  const body = { file_id: file?.ids[0] ?? 'nothing', attributes: { said: choice.tenant.mark() } }
  return { body, isForeign: file?.isForeign === true }
}
const batch = (choice: Choice): Partial<Asked> => {
  const file = named('file', choice)
  return { body: { file_ids: [file?.ids[0] ?? 'nothing'] }, isForeign: file?.isForeign === true }
}
const nameOf = ({ tenant }: Choice): Partial<Asked> => ({ body: { name: tenant.mark() } })
const written = (choice: Choice): Partial<Asked> => ({
  body: { path: `/${choice.tenant.mark()}/note.md`, content: saying(choice) },
})
const labels = ({ tenant, random }: Choice): object => ({ ...label(random), metadata: { said: tenant.mark() } })

/** By method and path, as server/http/endpoints.ts has them. */
export const TENANT_REQUESTS: Readonly<Record<string, TenantRequest>> = {
  'POST /v1/completions': {
    ask: plain('/v1/completions', (choice) => ({
      body: { model: 'fake', prompt: saying(choice), max_tokens: 24 },
    })),
  },
  'POST /v1/chat/completions': {
    weight: 10,
    ask: plain('/v1/chat/completions', (choice) => {
      const isShared = choice.random() < 0.6
      const content = isShared ? sharedPrompt(choice) : choice.random() < 0.5 ? saying(choice) : question(choice)
      const memory = isShared ? { mode: 'off' } : label(choice.random)
      const rest = { model: 'fake', max_tokens: 24, store: !isShared, mneme: { memory } }
      return { body: { ...rest, messages: [{ role: 'user', content }] } }
    }),
  },
  'POST /v1/responses': {
    weight: 14,
    ask: plain('/v1/responses', (choice) => {
      const asked = turn(choice)
      return choice.random() < 0.2 ? { ...asked, body: { ...asked.body, stream: true } } : asked
    }),
    keep: rememberTurn,
  },
  'POST /v1/embeddings': {
    ask: plain('/v1/embeddings', (choice) => ({ body: { model: 'letters', input: saying(choice) } })),
  },
  'GET /v1/responses': { ask: plain('/v1/responses', turn), keep: rememberTurn },
  'POST /reset_prefix_cache': { ask: plain('/reset_prefix_cache') },
  'GET /v1/responses/:id': { ask: on('resp', '/v1/responses/{}') },
  'DELETE /v1/responses/:id': {
    ask: on('resp', '/v1/responses/{}', ({ random }) => ({ path: random() < 0.5 ? '?cascade=true' : '' })),
  },
  'GET /v1/conversations': {
    ask: plain('/v1/conversations', (choice) => {
      const after = choice.random() < 0.3 ? named('resp', choice) : null
      return { path: `?limit=100${after ? `&after=${after.ids[0]}` : ''}`, isForeign: after?.isForeign === true }
    }),
  },
  'POST /v1/conversations': {
    weight: 2,
    ask: plain('/v1/conversations', (choice) => ({
      body: { items: [{ role: 'user', content: saying(choice) }], metadata: { said: choice.tenant.mark() } },
    })),
    keep: made('conv'),
  },
  'POST /v1/conversations/:id': {
    ask: on('conv', '/v1/conversations/{}', ({ tenant }) => ({ body: { metadata: { said: tenant.mark() } } })),
  },
  'POST /v1/conversations/:id/items': {
    weight: 2,
    ask: on('conv', '/v1/conversations/{}/items', (choice) => ({
      body: { items: [{ role: 'user', content: saying(choice) }] },
    })),
    keep: made('convitem', ({ data }, { path }) => [idIn(path, 'conversations'), data[0].id]),
  },
  'GET /v1/conversations/:id/items': { weight: 2, ask: on('conv', '/v1/conversations/{}/items', page) },
  'GET /v1/conversations/:id/items/:item': { ask: on('convitem', '/v1/conversations/{}/items/{}') },
  'DELETE /v1/conversations/:id/items/:item': { ask: on('convitem', '/v1/conversations/{}/items/{}') },
  'GET /v1/conversations/:id': {
    ask: (choice) => on(choice.random() < 0.5 ? 'resp' : 'conv', '/v1/conversations/{}')(choice),
  },
  'DELETE /v1/conversations/:id': {
    ask: (choice) => on(choice.random() < 0.5 ? 'resp' : 'conv', '/v1/conversations/{}')(choice),
    weight: 0.5,
  },
  'GET /v1/responses/:id/input_items': { ask: on('resp', '/v1/responses/{}/input_items') },
  'POST /v1/memories': {
    weight: 8,
    ask: plain('/v1/memories', (choice) => ({ body: { text: saying(choice), ...labels(choice) } })),
    keep: (tenant, { status, json }) => {
      if (status === 200) for (const { id } of json.data) tenant.made('mem', id)
    },
  },
  'POST /v1/memories/search': {
    weight: 10,
    ask: plain('/v1/memories/search', (choice) => {
      const { random } = choice
      const query = random() < 0.5 ? one(SAYINGS, random) : question(choice)
      return { body: { query, limit: 100, include_ended: random() < 0.5, ...label(random) } }
    }),
  },
  'GET /v1/memories': {
    weight: 2,
    ask: plain('/v1/memories', (choice) => {
      const after = choice.random() < 0.3 ? named('mem', choice) : null
      const query = new URLSearchParams({ limit: '100', ...(after && { after: after.ids[0]! }) })
      return { path: `?${query.toString()}`, isForeign: after?.isForeign === true }
    }),
  },
  'DELETE /v1/memories': {
    weight: 0.5,
    ask: plain('/v1/memories', ({ random }) => {
      const what = random() < 0.1 ? 'all=true' : `user_id=${one(USERS, random) ?? 'nobody'}`
      return { path: `?${what}&source=${random() < 0.3}&cascade=${random() < 0.3}` }
    }),
  },
  'GET /v1/memories/namespaces': { ask: plain('/v1/memories/namespaces') },
  'GET /v1/memories/:id': { ask: on('mem', '/v1/memories/{}'), weight: 2 },
  'POST /v1/memories/:id': {
    weight: 2,
    ask: on('mem', '/v1/memories/{}', (choice) => ({ body: { text: saying(choice) } })),
  },
  'DELETE /v1/memories/:id': {
    weight: 2,
    ask: on('mem', '/v1/memories/{}', ({ random }) => ({ path: random() < 0.3 ? '?source=true&cascade=true' : '' })),
  },
  'GET /v1/memories/:id/history': { ask: on('mem', '/v1/memories/{}/history') },
  'POST /v1/episodes/search': {
    weight: 4,
    ask: plain('/v1/episodes/search', (choice) => ({ body: { query: question(choice), limit: 100 } })),
  },
  'POST /v1/files': { weight: 3, ask: plain('/v1/files', textFile), keep: made('file') },
  'GET /v1/files': { ask: plain('/v1/files', page) },
  'GET /v1/files/:id': { ask: on('file', '/v1/files/{}') },
  'GET /v1/files/:id/content': { ask: on('file', '/v1/files/{}/content') },
  'DELETE /v1/files/:id': { ask: on('file', '/v1/files/{}') },
  'POST /v1/vector_stores': {
    weight: 2,
    ask: plain('/v1/vector_stores', (choice) => {
      const file = choice.random() < 0.5 ? named('file', choice) : null
      const body = { name: choice.tenant.mark(), expires_after: expiry, ...(file && { file_ids: [file.ids[0]] }) }
      return { body, isForeign: file?.isForeign === true }
    }),
    keep: made('vs'),
  },
  'GET /v1/vector_stores': { ask: plain('/v1/vector_stores', page) },
  'GET /v1/vector_stores/:id': { ask: on('vs', '/v1/vector_stores/{}') },
  'POST /v1/vector_stores/:id': { ask: on('vs', '/v1/vector_stores/{}', nameOf) },
  'DELETE /v1/vector_stores/:id': { ask: on('vs', '/v1/vector_stores/{}'), weight: 0.5 },
  'POST /v1/vector_stores/:id/search': {
    weight: 4,
    ask: on('vs', '/v1/vector_stores/{}/search', (choice) => ({
      body: { query: question(choice), max_num_results: 50 },
    })),
  },
  'POST /v1/vector_stores/:id/files': {
    weight: 3,
    ask: on('vs', '/v1/vector_stores/{}/files', attach),
    keep: made('vsfile', ({ id }, { path }) => [idIn(path, 'vector_stores'), id]),
  },
  'GET /v1/vector_stores/:id/files': { ask: on('vs', '/v1/vector_stores/{}/files', page) },
  'GET /v1/vector_stores/:id/files/:file': { ask: on('vsfile', '/v1/vector_stores/{}/files/{}') },
  'POST /v1/vector_stores/:id/files/:file': {
    ask: on('vsfile', '/v1/vector_stores/{}/files/{}', ({ tenant }) => ({
      body: { attributes: { said: tenant.mark() } },
    })),
  },
  'DELETE /v1/vector_stores/:id/files/:file': { ask: on('vsfile', '/v1/vector_stores/{}/files/{}'), weight: 0.5 },
  'GET /v1/vector_stores/:id/files/:file/content': { ask: on('vsfile', '/v1/vector_stores/{}/files/{}/content') },
  'POST /v1/vector_stores/:id/file_batches': {
    ask: on('vs', '/v1/vector_stores/{}/file_batches', batch),
    keep: made('vsfb', ({ id }, { path }) => [idIn(path, 'vector_stores'), id]),
  },
  'GET /v1/vector_stores/:id/file_batches/:batch': { ask: on('vsfb', '/v1/vector_stores/{}/file_batches/{}') },
  'POST /v1/vector_stores/:id/file_batches/:batch/cancel': {
    ask: on('vsfb', '/v1/vector_stores/{}/file_batches/{}/cancel'),
  },
  'GET /v1/vector_stores/:id/file_batches/:batch/files': {
    ask: on('vsfb', '/v1/vector_stores/{}/file_batches/{}/files'),
  },
  'POST /v1/memory_stores': { ask: plain('/v1/memory_stores', nameOf), keep: made('memstore') },
  'GET /v1/memory_stores': { ask: plain('/v1/memory_stores', () => ({ path: '?include_archived=true' })) },
  'GET /v1/memory_stores/:id': { ask: on('memstore', '/v1/memory_stores/{}') },
  'POST /v1/memory_stores/:id': { ask: on('memstore', '/v1/memory_stores/{}', nameOf) },
  'POST /v1/memory_stores/:id/archive': { ask: on('memstore', '/v1/memory_stores/{}/archive'), weight: 0.2 },
  'DELETE /v1/memory_stores/:id': { ask: on('memstore', '/v1/memory_stores/{}'), weight: 0.2 },
  'POST /v1/memory_stores/:id/memories': {
    weight: 3,
    ask: on('memstore', '/v1/memory_stores/{}/memories', written),
    keep: made('smem', ({ id }, { path }) => [idIn(path, 'memory_stores'), id]),
  },
  'GET /v1/memory_stores/:id/memories': {
    ask: on('memstore', '/v1/memory_stores/{}/memories', () => ({ path: '?view=full' })),
  },
  'GET /v1/memory_stores/:id/memories/:memory': { ask: on('smem', '/v1/memory_stores/{}/memories/{}') },
  'POST /v1/memory_stores/:id/memories/:memory': {
    weight: 2,
    ask: on('smem', '/v1/memory_stores/{}/memories/{}', written),
    keep: made('memver', ({ memory_version_id: id }, { path }) => [idIn(path, 'memory_stores'), id]),
  },
  'DELETE /v1/memory_stores/:id/memories/:memory': { ask: on('smem', '/v1/memory_stores/{}/memories/{}'), weight: 0.5 },
  'GET /v1/memory_stores/:id/memory_versions': {
    ask: on('memstore', '/v1/memory_stores/{}/memory_versions', () => ({ path: '?view=full' })),
  },
  'GET /v1/memory_stores/:id/memory_versions/:version': {
    ask: on('memver', '/v1/memory_stores/{}/memory_versions/{}'),
  },
  'POST /v1/memory_stores/:id/memory_versions/:version/redact': {
    ask: on('memver', '/v1/memory_stores/{}/memory_versions/{}/redact'),
    weight: 0.5,
  },
  'GET /livez': { ask: plain('/livez'), weight: 0.2 },
  'GET /readyz': { ask: plain('/readyz'), weight: 0.2 },
  'GET /health': { ask: plain('/health'), weight: 0.2 },
  'GET /metrics': { ask: plain('/metrics'), weight: 0.2 },
  'GET /version': { ask: plain('/version'), weight: 0.2 },
  'GET /openapi.json': { ask: plain('/openapi.json'), weight: 0.2 },
  'GET /v1/models': { ask: plain('/v1/models'), weight: 0.2 },
  'GET /v1/models/:id{.+}': { ask: plain('/v1/models/fake'), weight: 0.2 },
}
