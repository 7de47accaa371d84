/** The fake model as something that a server can serve. */
import type { ModelSource } from '../../server/serve.ts'
import type { FakeOptions } from './fake-model.ts'

export const FAKE_MODEL = 'fake'

export function fakeSource(options: FakeOptions = {}): ModelSource {
  const { onCall: _, ...payload } = options
  return {
    description: {
      name: FAKE_MODEL,
      bundle: 'f'.repeat(64),
      architecture: 'fake',
      kernels: 'portable',
      parameters: 0,
      created: 1_700_000_000,
      defaults: { temperature: 1, topP: 1, maxTokens: 32 },
    },
    start: { module: new URL('./fake-engine-thread.ts', import.meta.url), payload },
  }
}
