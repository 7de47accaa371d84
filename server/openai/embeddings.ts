/** POST /v1/embeddings: a vector for each input. */
import type { Deps } from '../deps.ts'
import { InputError } from '../embedding/embedders.ts'
import type { RefusedInput } from '../embedding/messages.ts'
import { pickEmbedder, type ServedEmbedder } from '../embedding/served-embedder.ts'
import type { EmbeddingRequest } from './embeddings-schema.ts'
import { ApiError } from './errors.ts'

/** The answer to a request. Throws ApiError for what cannot be embedded. */
export async function embed(
  { embedders, metrics }: Pick<Deps, 'embedders' | 'metrics'>,
  request: EmbeddingRequest,
  { owner, signal }: { readonly owner: string; readonly signal: AbortSignal },
): Promise<object> {
  const embedder = pickEmbedder(embedders, request.model)
  const { width, maxTokens, name } = embedder
  const { dimensions, truncate_prompt_tokens: most } = request
  if (dimensions && dimensions > width)
    throw invalid('dimensions', `expected at most ${width}, which is what ${name} has, got ${dimensions}`)
  if (most && most > maxTokens)
    throw invalid('truncate_prompt_tokens', `expected at most ${maxTokens}, which is what ${name} reads, got ${most}`)
  const keep = most === -1 ? maxTokens : (most ?? null)
  const { vectors, tokens } = await embedder.embed(request.input, { owner, keep, signal }).catch((error: unknown) => {
    if (error instanceof InputError) throw refusal(error.refused, embedder)
    throw error
  })
  metrics.embeddedTokens.inc(tokens)
  const shown = request.encoding_format === 'base64' ? base64Of : numbersOf
  const data = vectors.map((vector, index) => {
    const kept = dimensions ? shortened(vector, dimensions) : vector
    return { object: 'embedding', index, embedding: shown(kept) }
  })
  return { object: 'list', data, model: name, usage: { prompt_tokens: tokens, total_tokens: tokens } }
}

/** The first numbers of a vector, made as long as the whole was where that is 1. */
function shortened(vector: Float32Array, dimensions: number): Float32Array {
  const first = vector.slice(0, dimensions)
  const length = Math.hypot(...first)
  return length === 0 ? first : first.map((value) => value / length)
}

/** Each number with as many digits as tell it from all other float32 numbers. */
const numbersOf = (vector: Float32Array): number[] => Array.from(vector, (value) => Number(value.toPrecision(9)))

function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes.toString('base64')
}

function refusal({ index, reason, got }: RefusedInput, { name, maxTokens }: ServedEmbedder): ApiError {
  const param = `input[${index}]`
  if (reason === 'too long')
    return new ApiError(
      400,
      'context_length_exceeded',
      `'${param}' has ${got} tokens, and ${name} reads at most ${maxTokens}. Send shorter texts, or truncate_prompt_tokens.`,
      { param },
    )
  if (reason === 'empty') return invalid(param, 'expected a text with at least one token, got none')
  return invalid(param, `expected token ids of ${name}, got ${got}`)
}

function invalid(param: string, message: string): ApiError {
  return new ApiError(400, 'invalid_value', `'${param}': ${message}.`, { param })
}
