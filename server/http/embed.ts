/** The endpoint of embeddings. */
import type { Deps } from '../deps.ts'
import { embed } from '../openai/embeddings.ts'
import { embeddingRequest } from '../openai/embeddings-schema.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf } from './context.ts'
import type { Endpoint } from './endpoint.ts'

export function embedEndpoints(deps: Deps): Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/v1/embeddings',
      summary: 'Make vectors of texts',
      access: 'api',
      whileStopping: false,
      body: embeddingRequest,
      answer: bodyAnswer(deps, embeddingRequest, (c, request, signal) =>
        embed(deps, request, { owner: ownerOf(c), signal }),
      ),
    },
  ]
}
