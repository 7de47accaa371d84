import { expect, onTestFinished, test } from 'vitest'
import { startEmbedderThread } from '../../../server/embedding/embedders.ts'
import { createLog } from '../../../server/log.ts'

const signal = new AbortController().signal

async function open() {
  const entry = new URL('../../support/crashing-embedder-thread.ts', import.meta.url)
  const thread = startEmbedderThread(entry, createLog('silent'))
  onTestFinished(() => thread.close())
  return thread.open('folder', 1)
}

test('when the thread dies its texts fail, and the next ones are embedded by a new thread', async () => {
  const embedder = await open()
  const options = { owner: '', keep: null, signal }
  await expect(embedder.embed(['crash'], options)).rejects.toThrow("the embedders' thread has ended")
  const { vectors } = await embedder.embed(['ab', 'abc'], options)
  expect(vectors.map((vector) => [...vector])).toEqual([[2], [3]])
})

test('a client that goes away is not waited for', async () => {
  const embedder = await open()
  const controller = new AbortController()
  const gone = embedder.embed(['ab'], { owner: '', keep: null, signal: controller.signal })
  controller.abort(new Error('gone'))
  await expect(gone).rejects.toThrow('gone')
  await expect(embedder.embed(['ab'], { owner: '', keep: null, signal: controller.signal })).rejects.toThrow('gone')
})
