/** A thread of embedders that dies of the text `crash`; of any other the vector is its length. */
import { parentPort } from 'node:worker_threads'
import type { FromEmbedders, ToEmbedders } from '../../server/embedding/messages.ts'
import type { Port } from '../../server/thread.ts'

const port = parentPort as Port
port.on('message', (told) => {
  const message = told as ToEmbedders
  const answer = (one: FromEmbedders): void => port.postMessage(one, [])
  if (message.kind === 'open') answer({ kind: 'opened', id: message.id, runtime: 'fake' })
  if (message.kind !== 'embed') return
  if (message.inputs.includes('crash')) throw new Error('it died')
  const vectors = Float32Array.from(message.inputs, (input) =>
    'length' in (input as object) || typeof input === 'string' ? (input as string).length : 0,
  )
  answer({ kind: 'embedded', id: message.id, vectors, tokens: 0 })
})
