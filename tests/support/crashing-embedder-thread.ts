/** A thread of embedders that dies of the word `crash`; of any other text the vector is its length, of a pair [0, 0, 9]. */
import { parentPort } from 'node:worker_threads'
import type { EmbeddingInput, FromEmbedders, ToEmbedders } from '../../server/embedding/messages.ts'
import type { Port } from '../../server/thread.ts'

const port = parentPort as Port
port.on('message', (told) => {
  const message = told as ToEmbedders
  const answer = (one: FromEmbedders): void => port.postMessage(one, [])
  if (message.kind === 'open') answer({ kind: 'opened', id: message.id, runtime: 'fake' })
  if (message.kind !== 'embed') return
  if (JSON.stringify(message.inputs).includes('crash')) throw new Error('it died')
  const vectors = Float32Array.from(message.inputs.flatMap(vectorOf))
  answer({ kind: 'embedded', id: message.id, vectors, tokens: 0 })
})

function vectorOf(input: EmbeddingInput): number[] {
  return typeof input === 'object' && 'first' in input ? [0, 0, 9] : [input.length]
}
