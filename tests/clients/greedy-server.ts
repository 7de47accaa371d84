/** A server over the fake model, in this process, that always takes the likeliest token: the same reply every time. */
import { onTestFinished } from 'vitest'
import { loadConfig } from '../../server/config.ts'
import { startServer } from '../../server/serve.ts'
import { fakeParts, fakeSource } from '../support/fake-source.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** Starts it on a free port for the length of the test; returns its address. */
export async function startGreedyServer(delayMs = 0): Promise<string> {
  const config = loadConfig({ port: 0, data: temporaryFolder(), logLevel: 'silent', drainTimeout: 0 }, {})
  const { description, ...rest } = fakeSource({ rows: config.maxBatch, delayMs })
  const greedy = { ...description, defaults: { ...description.defaults, temperature: 0 } }
  const sources = { models: [{ ...rest, description: greedy }], embedders: [] }
  const server = await startServer(config, sources, fakeParts(config))
  onTestFinished(() => server.stop())
  return server.url
}
