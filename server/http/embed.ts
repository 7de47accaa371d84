/** The endpoint of embeddings. */
import type { Deps } from '../deps.ts'
import { check } from '../openai/body.ts'
import { embed } from '../openai/embeddings.ts'
import { embeddingRequest } from '../openai/embeddings-schema.ts'
import type { Endpoint } from './endpoint.ts'
import { sendJson } from './json-answer.ts'
import { readJson } from './read-body.ts'

export function embedEndpoints(deps: Deps): Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/v1/embeddings',
      summary: 'Make vectors of texts',
      access: 'api',
      whileStopping: false,
      body: embeddingRequest,
      async answer(c) {
        const request = check(embeddingRequest, await readJson(c, deps.limits.bodyBytes))
        const work = deps.lifecycle.begin(c.req.raw.signal)
        try {
          return sendJson(c, await embed(deps, request, { owner: c.get('holder').owner, signal: work.signal }))
        } finally {
          work.done()
        }
      },
    },
  ]
}
