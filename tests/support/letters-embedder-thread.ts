/** A thread of embedders whose vectors count pairs of letters. */
import { parentPort } from 'node:worker_threads'
import type { FromEmbedders, ToEmbedders } from '../../server/embedding/messages.ts'
import type { Port } from '../../server/thread.ts'
import { lettersOf } from './letters-embedder.ts'

const port = parentPort as Port
port.on('message', (told) => {
  const message = told as ToEmbedders
  const answer = (one: FromEmbedders): void => port.postMessage(one, [])
  if (message.kind === 'open') answer({ kind: 'opened', id: message.id, runtime: 'fake' })
  if (message.kind !== 'embed') return
  const vectors = Float32Array.from(
    message.inputs.flatMap((input) => [...lettersOf(typeof input === 'string' ? input : '')]),
  )
  answer({ kind: 'embedded', id: message.id, vectors, tokens: 0 })
})
