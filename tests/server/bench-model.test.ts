import { expect, test } from 'vitest'
import { loadBundle } from '../../runtime/bundle.ts'
import { benchModel } from '../../server/bench-model.ts'
import { DEFAULT_EMBEDDER, embedderSource } from '../../server/cli.ts'
import { loadConfig } from '../../server/config.ts'
import { memoryOf, sequenceBytes } from '../../server/engine/model-memory.ts'
import { limitsOf } from '../../server/limits.ts'
import { budgetOf } from '../../server/start-models.ts'
import { writeAttentionBundle } from '../support/attention-bundle.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { writeTinyBundle } from '../support/tiny-bundle.ts'

test.each(['delta', 'attention'] as const)(
  'the budget for a model and its twin holds one of them with a conversation, and not both: %s',
  async (kind) => {
    const folder = temporaryFolder()
    const bundle = kind === 'delta' ? await writeTinyBundle(folder, 'delta') : await writeAttentionBundle(folder)
    for (const settings of [{}, { prefixCache: 50_000_000 }]) {
      const { memoryFor, twin } = await benchModel(bundle, temporaryFolder(), settings)
      const { manifest } = await loadBundle(bundle)
      const embedder = embedderSource(await loadBundle(DEFAULT_EMBEDDER)).bytes
      expect((await loadBundle(twin.bundle)).manifest).toEqual({ ...manifest, name: twin.name, maxTokens: undefined })
      for (const tokens of [1, 700, 40_000]) {
        const config = loadConfig({ ...settings, memory: String(memoryFor(tokens)) }, {})
        const free = budgetOf(config, limitsOf(config)).free - embedder
        const memory = memoryOf(manifest, config.maxBatch)
        const one = memory.weights + memory.idle + sequenceBytes(memory, tokens)
        expect(one).toBeLessThanOrEqual(free)
        expect(one + memory.weights + memory.idle).toBeGreaterThan(free)
      }
    }
  },
)
