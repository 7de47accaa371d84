/** Entry of the embedders' thread. */
import { parentPort } from 'node:worker_threads'
import type { ToEmbedders } from './messages.ts'
import { serveEmbedders } from './serve-embedders.ts'

if (parentPort) {
  const port = parentPort
  const receive = serveEmbedders((answer, moved) => port.postMessage(answer, moved))
  port.on('message', (message: ToEmbedders) => receive(message))
}
