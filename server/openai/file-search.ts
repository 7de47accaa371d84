/** The tool `file_search`: the server looks for the user's message in vector stores before the reply, whatever the model can. */
import type { Deps } from '../deps.ts'
import { DEFAULT_RESULTS, isMemoryStore, searchFiles, type FoundChunk } from '../files/search-files.ts'
import { findOpenStore, requireMemoryStore, touch } from '../files/vector-stores.ts'
import { contentWords } from '../memory/relevance.ts'
import { wordsOf } from '../memory/words.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import { ApiError } from './errors.ts'
import type { ResponseRequest } from './responses-schema.ts'
import { fileSearchIn } from './tools-schema.ts'

type Json = Record<string, unknown>

export interface FileSearch {
  readonly query: string
  /** Best first. */
  readonly chunks: readonly FoundChunk[]
}

/** Null where the request has no such tool, or nothing to look for. Throws ApiError for vector stores that are not there. */
export async function searchForTurn(
  deps: Deps,
  { tools, tool_choice: choice }: ResponseRequest,
  message: string,
  owner: string,
  signal: AbortSignal,
): Promise<FileSearch | null> {
  const tool = fileSearchIn(tools ?? [])
  if (choice === 'file_search' && !tool) {
    const text = "'tool_choice': file_search is asked for, and it is not among the tools."
    throw new ApiError(400, 'invalid_value', text, { param: 'tool_choice' })
  }
  if (!tool || choice === 'none') return null
  const ids = [...new Set(tool.vector_store_ids)]
  const stores = []
  for (const id of ids) if (!isMemoryStore(id)) stores.push(await findOpenStore(deps, owner, id, 'tools'))
  for (const id of ids) if (isMemoryStore(id)) await requireMemoryStore(deps, owner, id)
  const query = message.trim()
  if (query === '') return null
  const { filters, max_num_results: most, ranking_options: ranking } = tool
  const asked = { filter: filters ?? null, limit: most ?? DEFAULT_RESULTS, least: ranking?.score_threshold ?? 0 }
  const chunks = await searchFiles(deps, owner, { ...asked, stores: ids, texts: [query] }, signal)
  for (const store of stores) await touch(deps, owner, store)
  return { query, chunks }
}

/** From which similarity on a piece without a word of the question is read. */
const LEAST_SIMILARITY = 0.3

/** The pieces that a reply reads: those that only have common words of the question in common with it are told, and not read. */
export function readableChunks(search: FileSearch | null): FoundChunk[] {
  if (!search) return []
  const words = contentWords(search.query)
  const isNear = ({ text, similarity }: FoundChunk): boolean =>
    (similarity ?? 0) >= LEAST_SIMILARITY || wordsOf(text).some((word) => words.has(word))
  return search.chunks.filter(isNear)
}

/** A search as an item of the output. What was found is told only where the request includes it. */
export interface SearchItem {
  readonly queries: readonly string[]
  readonly results: readonly Json[] | null
}

/** The search in files, and where its results are asked for the one in memories too: no client expects that one. */
export function searchItems(
  search: FileSearch | null,
  query: string,
  memories: readonly MemoryHit[],
  include: ResponseRequest['include'],
): SearchItem[] {
  const isTold = include?.includes('file_search_call.results') ?? false
  const items: SearchItem[] = search
    ? [{ queries: [search.query], results: isTold ? search.chunks.map(resultOf) : null }]
    : []
  if (isTold && memories.length > 0) items.push({ queries: [query], results: memories.map(memoryResult) })
  return items
}

/** A response as it is stored: what files and memories say stays with them, and goes with them when they are deleted. */
export function withoutResults<T extends Json>(response: T): T {
  const output = (response['output'] ?? []) as readonly Json[]
  if (!output.some((item) => item['type'] === 'file_search_call' && item['results'] !== null)) return response
  const kept = output.map((item) => (item['type'] === 'file_search_call' ? { ...item, results: null } : item))
  return { ...response, output: kept }
}

function resultOf({ file, name, attributes, score, text }: FoundChunk): Json {
  return { file_id: file, filename: name, attributes, score, text }
}

/** The score of a memory that is first in words, in meaning and by its topic. */
const MOST = 2

function memoryResult({ memory, score }: MemoryHit): Json {
  const { id, text, metadata } = memory
  return { file_id: id, filename: 'memory', attributes: metadata, score: Math.min(1, score / MOST), text }
}
