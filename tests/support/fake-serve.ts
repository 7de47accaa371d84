/** `mneme serve` over the fake model: what the process tests start. FAKE_* variables set what the product has no flag for. */
import { loadConfig } from '../../server/config.ts'
import { serve } from '../../server/cli.ts'
import { withPostgres } from '../../server/store/postgres/with-postgres.ts'
import { startStore } from '../../server/store/start.ts'
import { FAKE_ENGINE, FAKE_TOKENIZER, fakeSource } from './fake-source.ts'
import { sibling } from '../../server/thread.ts'
import { lettersSource } from './letters-embedder.ts'

const { env } = process
const flags = JSON.parse(env['FAKE_FLAGS'] ?? '{}') as Record<string, unknown>
const delayMs = Number(env['FAKE_DELAY_MS'] ?? 0)
const maxPages = env['FAKE_MAX_PAGES'] === undefined ? {} : { maxPages: Number(env['FAKE_MAX_PAGES']) }
const append = env['FAKE_APPEND'] === '1'
const stateBytes = Number(env['FAKE_STATE_BYTES'] ?? 16)
const embedders = env['FAKE_EMBEDDER'] === '1' ? [lettersSource()] : []
/** An index whose file had to go is made again after so long. */
const pauseMs = Number(env['FAKE_INDEX_PAUSE_MS'] ?? 60_000)

process.exitCode = await serve(
  () => loadConfig(flags, {}),
  async (config) => ({ models: [fakeSource({ rows: config.maxBatch, delayMs, append, stateBytes })], embedders }),
  ({ data, keepStates, replayTokens, stateDisk, prefixDisk, memoryStore, ...config }) => {
    const store = startStore({
      folder: data,
      keepStates,
      replayTokens,
      stateBytes: stateDisk,
      prefixBytes: prefixDisk,
      memoryEntries: config.memoryEntries,
      consolidation: config.consolidation,
      vectorIndex: { threshold: config.vectorIndexThreshold, pauseMs },
      memoriesElsewhere: memoryStore !== undefined,
      ...maxPages,
    })
    return memoryStore === undefined ? store : withPostgres(store, memoryStore)
  },
  { engine: FAKE_ENGINE, tokenizer: FAKE_TOKENIZER, embedder: sibling('./letters-embedder-thread', import.meta.url) },
)
