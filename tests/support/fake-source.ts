/** The fake model as something that a server can serve. */
import { storeOf } from '../../server/cli.ts'
import type { Config } from '../../server/config.ts'
import type { ModelSource, Parts } from '../../server/serve.ts'
import { sibling } from '../../server/thread.ts'
import type { FakeOptions } from './fake-model.ts'

export const FAKE_MODEL = 'fake'
/** Entry of a thread of engines over the fake model. */
export const FAKE_ENGINE = sibling('./fake-engine-thread', import.meta.url)
/** Entry of a tokenizer's thread over the byte codec. */
export const FAKE_TOKENIZER = sibling('./fake-tokenizer-thread', import.meta.url)

/** A server's own store, and the entries of its threads over the fake model. */
export const fakeParts = (config: Config): Parts => ({
  store: storeOf(config),
  engine: FAKE_ENGINE,
  tokenizer: FAKE_TOKENIZER,
})

export function fakeSource(options: FakeOptions = {}): ModelSource {
  const { onCall: _, pause: __, next: ___, score: ____, ...payload } = options
  return {
    description: {
      name: FAKE_MODEL,
      bundle: 'f'.repeat(64),
      architecture: 'fake',
      kernels: 'portable',
      parameters: 0,
      created: 1_700_000_000,
      contextLength: null,
      knowsOnlyTold: false,
      defaults: { temperature: 1, topP: 1, maxTokens: 32 },
    },
    tokenizer: 'fake',
    memory: { weights: 0, idle: 0, perSequence: 0, perPosition: 0 },
    payload,
  }
}
