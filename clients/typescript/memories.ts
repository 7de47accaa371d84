/** Memories and embeddings of a mneme server: their shapes, and the calls. */
import type { CallOptions } from './call-options.ts'

export interface Embedding {
  readonly object: 'embedding'
  readonly index: number
  readonly embedding: readonly number[]
}

export interface EmbeddingRequest {
  readonly input: string | readonly string[]
  readonly model?: string
  /** The first so many numbers, with length 1. */
  readonly dimensions?: number
  /** Where a longer text is cut; -1: where the model's longest ends. */
  readonly truncate_prompt_tokens?: number
}

export interface EmbeddingResponse {
  readonly model: string
  readonly data: readonly Embedding[]
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number }
}

/** Times are seconds since 1970. */
export interface MemoryObject {
  readonly id: string
  readonly namespace: string
  readonly user_id: string | null
  readonly text: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: number
  readonly updated_at: number
  readonly expires_at: number | null
}

export interface AddedMemory extends MemoryObject {
  /** `known`: it said that already. */
  readonly event: 'added' | 'known'
}

export interface FoundMemory extends MemoryObject {
  readonly score: number
  readonly word_score: number | null
  readonly similarity: number | null
}

export interface MemoryEventObject {
  readonly event: 'added' | 'updated'
  readonly text: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at: number
}

export interface MemoryNamespace {
  readonly namespace: string
  readonly memories: number
}

interface Place {
  readonly namespace?: string
  readonly user_id?: string
}

export interface NewMemoryRequest extends Place {
  readonly text: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly expires_at?: number
}

export interface MemorySearch extends Place {
  readonly query: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly limit?: number
}

export interface MemoryChanges {
  readonly text?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly expires_at?: number | null
}

export interface MemoryList extends Place {
  readonly limit?: number
  readonly order?: 'asc' | 'desc'
  readonly after?: string
}

export interface Memories {
  add(memory: NewMemoryRequest, options?: CallOptions): Promise<AddedMemory>
  /** Best first. */
  search(search: MemorySearch, options?: CallOptions): Promise<readonly FoundMemory[]>
  list(
    list?: MemoryList,
    options?: CallOptions,
  ): Promise<{ readonly data: readonly MemoryObject[]; readonly has_more: boolean }>
  get(id: string, options?: CallOptions): Promise<MemoryObject>
  update(id: string, changes: MemoryChanges, options?: CallOptions): Promise<MemoryObject>
  delete(id: string, options?: CallOptions): Promise<void>
  /** Deletes all of a namespace or of a user; returns how many there were. */
  deleteAll(place: Place, options?: CallOptions): Promise<number>
  history(id: string, options?: CallOptions): Promise<readonly MemoryEventObject[]>
  /** Those that have memories, with how many. */
  namespaces(options?: CallOptions): Promise<readonly MemoryNamespace[]>
}

type Json = <T>(method: string, path: string, body: object | null, options?: CallOptions) => Promise<T>

/** The calls over what sends a request and reads its JSON. */
export function memoriesOf(json: Json): Memories {
  const path = (id: string): string => `/v1/memories/${encodeURIComponent(id)}`
  const data = async <T>(answer: Promise<{ data: T }>): Promise<T> => (await answer).data
  return {
    async add(memory, options) {
      const [added] = await data(json<{ data: [AddedMemory] }>('POST', '/v1/memories', memory, options))
      return added
    },
    search: (search, options) => data(json('POST', '/v1/memories/search', search, options)),
    list: (list = {}, options) => json('GET', `/v1/memories${queryOf(list)}`, null, options),
    get: (id, options) => json('GET', path(id), null, options),
    update: (id, changes, options) => json('POST', path(id), changes, options),
    async delete(id, options) {
      await json('DELETE', path(id), null, options)
    },
    async deleteAll(place, options) {
      return (await json<{ deleted: number }>('DELETE', `/v1/memories${queryOf(place)}`, null, options)).deleted
    },
    history: (id, options) => data(json('GET', `${path(id)}/history`, null, options)),
    namespaces: (options) => data(json('GET', '/v1/memories/namespaces', null, options)),
  }
}

function queryOf(values: object): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query.toString()}`
}
