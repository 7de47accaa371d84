/** What a thread of embedders says, with vectors from a function in the place of graphs. */
import { parentPort } from 'node:worker_threads'
import type { EmbeddingInput, FromEmbedders, ToEmbedders } from '../../server/embedding/messages.ts'
import type { Port } from '../../server/thread.ts'

/** Answers whoever started this thread. `vectorOf` may throw, of which the thread dies. */
export function serveFakeEmbedders(vectorOf: (input: EmbeddingInput) => Iterable<number>): void {
  const port = parentPort as Port
  port.on('message', (told) => {
    const message = told as ToEmbedders
    const answer = (one: FromEmbedders): void => port.postMessage(one, [])
    if (message.kind === 'open') answer({ kind: 'opened', id: message.id, runtime: 'fake' })
    if (message.kind !== 'embed') return
    const vectors = Float32Array.from(message.inputs.flatMap((input) => [...vectorOf(input)]))
    answer({ kind: 'embedded', id: message.id, vectors, tokens: 0 })
  })
}
