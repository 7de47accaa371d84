/** What a running server says of itself. */
import type { Address } from './stream.ts'

export interface ServerDescription {
  /** Its program and version. */
  readonly version: string
  readonly isMneme: boolean
  readonly model: string
  /** Tokens that a conversation may have; null where it does not say. */
  readonly contextLength: number | null
}

interface Model {
  readonly id: string
  readonly max_model_len?: number | null
}

/** Asks a server for its version and models; `wanted` names one of them, or its first is taken. Throws where it has none. */
export async function describeServer(address: Address, wanted?: string): Promise<ServerDescription> {
  const { url } = address
  const models = (await get(address, '/v1/models')) as { data?: readonly Model[] } | null
  if (!Array.isArray(models?.data))
    throw new Error(`${url}: expected a server that lists its models at /v1/models, got none`)
  const all = models.data as readonly Model[]
  const model = wanted === undefined ? all[0] : all.find(({ id }) => id === wanted)
  const names = all.map(({ id }) => id).join(', ')
  if (!model) throw new Error(`${url}: expected one of the models ${names || '(none)'}, got ${wanted ?? 'no model'}`)
  const { name, version } = ((await get(address, '/version')) ?? {}) as { name?: string; version?: string }
  const { build_info } = ((await get(address, '/props')) ?? {}) as { build_info?: string }
  const program = build_info === undefined ? (name ?? 'unknown server') : `llama.cpp ${build_info}`
  return {
    version: version === undefined ? program : `${program} ${version}`,
    isMneme: name === 'mneme',
    model: model.id,
    contextLength: model.max_model_len ?? null,
  }
}

/** The JSON at a path; null where there is none. Throws where nothing answers, or a key is missing. */
async function get({ url, apiKey }: Address, path: string): Promise<unknown> {
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
  const answer = await fetch(`${url}${path}`, { headers }).catch((cause: unknown) => {
    throw new Error(`There is no server at ${url}. Start one there, or leave --url out: mneme bench MODEL`, { cause })
  })
  if (answer.status === 401 || answer.status === 403)
    throw new Error(`${url}: the server wants a key (status ${answer.status}); give it with --api-key`)
  return answer.ok ? answer.json().catch(() => null) : null
}
