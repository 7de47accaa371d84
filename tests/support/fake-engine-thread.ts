/** An engine thread over the fake model. */
import { parentPort, workerData } from 'node:worker_threads'
import { serveEngine } from '../../server/engine/serve-engine.ts'
import { byteCodec, createFakeRunner, type FakeOptions } from './fake-model.ts'

if (parentPort) {
  const { payload } = workerData as { payload: FakeOptions }
  await serveEngine(parentPort, async () => ({ runner: createFakeRunner(payload), codec: byteCodec, runtime: 'fake' }))
}
