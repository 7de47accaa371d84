/** A thread of engines over the fake model. */
import { runEngines } from '../../server/engine/serve-engine.ts'
import { byteCodec, createFakeRunner, type FakeOptions } from './fake-model.ts'

runEngines(async (payload) => ({
  runner: createFakeRunner(payload as FakeOptions),
  codec: byteCodec,
  runtime: 'fake',
}))
