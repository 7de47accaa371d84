/** A thread of engines over the fake model. */
import { existsSync } from 'node:fs'
import { runEngines } from '../../server/engine/serve-engine.ts'
import { byteCodec, createFakeRunner, type FakeOptions } from './fake-model.ts'

export interface FakePayload extends FakeOptions {
  /** Opening it takes so many milliseconds. */
  readonly openMs?: number
  /** It cannot be opened while this file exists. */
  readonly failWhile?: string
}

runEngines(async (payload) => {
  const { openMs = 0, failWhile, ...options } = payload as FakePayload
  await new Promise((resolve) => setTimeout(resolve, openMs))
  if (failWhile !== undefined && existsSync(failWhile)) throw new Error('the fake was told to fail')
  return { runner: createFakeRunner(options), codec: byteCodec, runtime: 'fake' }
})
