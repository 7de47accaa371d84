/** Entry of an engine thread: opens one bundle and answers messages. */
import { parentPort, workerData } from 'node:worker_threads'
import { openModel, type ModelOptions } from './open-model.ts'
import { serveEngine } from './serve-engine.ts'

if (parentPort) {
  const { payload } = workerData as { payload: ModelOptions }
  await serveEngine(parentPort, () => openModel(payload))
}
