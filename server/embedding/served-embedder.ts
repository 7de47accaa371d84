/** An embedder as the HTTP side knows it. */
import { availableParallelism } from 'node:os'
import type { Config } from '../config.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import { ApiError } from '../openai/errors.ts'
import type { EmbedderThread, OpenEmbedder } from './embedders.ts'

export interface EmbedderDescription {
  readonly name: string
  /** sha256 of the bundle's manifest. */
  readonly bundle: string
  readonly architecture: string
  readonly parameters: number
  /** Seconds since 1970. */
  readonly created: number
  /** Numbers of a vector. */
  readonly width: number
  /** Tokens of the longest text. */
  readonly maxTokens: number
  /** Whether vectors have length 1. */
  readonly normalize: boolean
  /** The cosine from which on a memory is read for a message; undefined where it was not measured. */
  readonly leastSimilarity?: number | undefined
}

export type ServedEmbedder = EmbedderDescription & OpenEmbedder

/** An embedder to serve. */
export interface EmbedderSource {
  readonly description: EmbedderDescription
  /** Of the bundle. */
  readonly folder: string
  /** Of its weights. */
  readonly bytes: number
}

/** More threads than this have not been seen to help a text. */
const MOST_THREADS = 4

/** Opens all embedders. Throws where one has no room within the budget, or cannot be opened. */
export async function startEmbedders(
  sources: readonly EmbedderSource[],
  thread: Pick<EmbedderThread, 'open'>,
  { threads = Math.min(MOST_THREADS, availableParallelism()) }: Config,
  budget: MemoryBudget,
): Promise<ServedEmbedder[]> {
  const served: ServedEmbedder[] = []
  for (const { description, folder, bytes } of sources) {
    if (bytes > budget.free)
      throw new Error(
        `the embedder ${description.name} needs ${bytes} bytes of memory, and --memory leaves ${budget.free}. ` +
          'Allow more, or leave it out.',
      )
    budget.take('weights', bytes)
    served.push({ ...description, ...(await thread.open(folder, threads)) })
  }
  return served
}

/** The embedder of that name; the first one when a request names none. Throws ApiError 404. */
export function pickEmbedder(embedders: readonly ServedEmbedder[], name: string | null | undefined): ServedEmbedder {
  const found = name ? embedders.find((one) => one.name === name) : embedders[0]
  if (found) return found
  const known = embedders.map((one) => one.name).join(', ')
  const served = known === '' ? 'No embedder is served here: start the server with one.' : `Served: ${known}.`
  const message = name ? `The model '${name.slice(0, 100)}' makes no embeddings here. ${served}` : served
  throw new ApiError(404, 'model_not_found', message, { param: 'model' })
}
