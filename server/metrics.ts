/** What Prometheus scrapes. Names and bucket edges are vLLM's where it has the concept, so dashboards carry over. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { MemoryKind } from './memory-budget.ts'
import type { VectorIndexStatistics } from './vector-index/index-types.ts'

const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
]
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80]
const REQUEST = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680]
const TOKENS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]
const STORAGE = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Numbers that are read when they are scraped. */
export interface Readings {
  running(): number
  waiting(): number
  stateBytes(): number
  /** Bytes of memory that are promised, by what for; and the limit, null where there is none. */
  memory(): { readonly used: Readonly<Record<MemoryKind, number>>; readonly limit: number | null }
  /** Rejects when the store does not answer; the gauge then keeps its last value. */
  parked(): Promise<{
    sessions: number
    bytes: number
    prefixBytes: number
    evictions: number
    episodes: number
    episodesEvicted: number
    vectorIndex: Pick<VectorIndexStatistics, 'vectors' | 'failures' | 'fallbacks'>
  }>
  /** Of the prefix cache in memory. */
  prefixes(): { bytes: number; evictions: number }
}

export type Metrics = ReturnType<typeof createMetrics>

/** A registry of its own. Labels have few values, all of them ours: never a session, a user, a key or a client's text. */
export function createMetrics(readings: Readings) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'mneme_' })
  // Gauges that prom-client names like counters, which promtool rightly refuses.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`mneme_nodejs_active_${kind}_total`)
  }
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `mneme_${name}`, help, labelNames, registers: [registry] })
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) => new Histogram({ name: `mneme_${name}`, help, buckets, labelNames, registers: [registry] })
  gauges(registry, readings)
  return {
    registry,
    promptTokens: counter('prompt_tokens_total', 'Tokens of conversations that requests built on, computed or not.'),
    generatedTokens: counter('generation_tokens_total', 'Tokens generated.'),
    embeddedTokens: counter('embedding_tokens_total', 'Tokens of texts that vectors were made of.'),
    drafts: counter('spec_decode_num_drafts_total', 'Drafts of replies that were verified.'),
    draftTokens: counter('spec_decode_num_draft_tokens_total', 'Tokens of those drafts.'),
    acceptedTokens: counter('spec_decode_num_accepted_tokens_total', 'Tokens of drafts that the reply has.'),
    exitDrafted: counter('early_exit_draft_tokens_total', 'Tokens that early exits drafted.'),
    exitAccepted: counter('early_exit_accepted_tokens_total', 'Of those, the tokens that a reply has.'),
    exitUnverified: counter('early_exit_unverified_tokens_total', 'Tokens that early exits decided by themselves.'),
    cacheQueries: counter('prefix_cache_queries_total', 'Tokens that could have come from a kept state.'),
    cacheHits: counter('prefix_cache_hits_total', 'Tokens that came from a kept state and were not computed again.'),
    success: counter('request_success_total', 'Replies finished.', ['finished_reason']),
    cancelled: counter('requests_cancelled_total', 'Requests whose client went away.'),
    rejected: counter('requests_rejected_total', 'Requests refused.', ['reason']),
    firstToken: histogram('time_to_first_token_seconds', 'From the request to its first token.', FIRST_TOKEN),
    betweenTokens: histogram('inter_token_latency_seconds', 'From one token of a reply to the next.', PER_TOKEN),
    request: histogram('e2e_request_latency_seconds', 'From the request to the end of its reply.', REQUEST),
    queued: histogram('request_queue_time_seconds', 'From the request to its first work.', REQUEST),
    resume: histogram('session_resume_seconds', 'Getting the state that a turn continues from.', STORAGE, ['tier']),
    resumeTokens: histogram(
      'session_resume_prefill_tokens',
      'Tokens computed before a continued turn could reply.',
      TOKENS,
    ),
    checkpoint: histogram('checkpoint_seconds', 'Writing a turn and its state to disk.', STORAGE),
    forks: counter('forks_total', 'Turns that continued a response which had been continued before.'),
    storeFailures: counter('store_failures_total', 'Turns that could not be stored.', ['reason']),
    stateFailures: counter(
      'state_store_failures_total',
      'States that could not be stored and are rebuilt when needed.',
      ['reason'],
    ),
    damage: counter('damage_found_total', 'What was read from disk and is not what was written.', ['what']),
    rebuilds: counter(
      'state_rebuilds_total',
      'States rebuilt from the log of turns, by whether they have the same bits.',
      ['result'],
    ),
    memoryWrites: counter('memory_writes_total', 'Memories written, by what came of it.', ['result']),
    erased: counter('erased_total', 'Memories and responses that were deleted for good.', ['what']),
    verification: histogram('verification_seconds', 'Checking a reply against what its user has told.', STORAGE),
    verdicts: counter('verdicts_total', 'Sentences of replies that were checked, by verdict.', ['verdict']),
    memoryReads: counter('memory_reads_total', 'Turns that looked for memories, by whether they read any.', ['gate']),
    gates: counter('gates_total', 'Gates of turns, by what was decided and by whom.', ['gate', 'decision', 'by']),
    controller: histogram('controller_seconds', 'Asking the controller about a turn.', STORAGE),
    secondReading: histogram(
      'second_reading_seconds',
      'Reading a turn again whose reply was made with notes.',
      STORAGE,
    ),
    memorySearch: histogram('memory_search_seconds', 'Finding memories, their embedding included.', STORAGE),
    connections: new Gauge({
      name: 'mneme_connections',
      help: 'Open connections, WebSockets included.',
      registers: [registry],
    }),
    modelLoads: counter('model_loads_total', 'Models loaded, by whether that worked.', ['model', 'result']),
    modelUnloads: counter('model_unloads_total', 'Models unloaded to make room for others.', ['model']),
    modelLoad: histogram('model_load_seconds', 'Loading a model.', REQUEST),
    stateRejected: counter('state_rejected_total', 'Stored states that were not used.', ['reason']),
  }
}

function gauges(registry: Registry, readings: Readings): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({
      name: `mneme_${name}`,
      help,
      registers: [registry],
      collect: () => metric.set(read()),
    })
  }
  gauge('num_requests_running', 'Replies being computed.', () => readings.running())
  gauge('num_requests_waiting', 'Replies waiting for their turn.', () => readings.waiting())
  gauge('sessions_resident', 'Sessions whose state is in memory: those being computed.', () => readings.running())
  gauge('prefix_cache_bytes', 'Bytes of the prefix cache in memory.', () => readings.prefixes().bytes)
  const evictions: Counter = new Counter({
    name: 'mneme_prefix_cache_evictions_total',
    help: 'States that went from the prefix cache for want of room in memory.',
    registers: [registry],
    collect() {
      evictions.reset()
      evictions.inc(readings.prefixes().evictions)
    },
  })
  gauge('session_state_bytes', 'Bytes of one state of the largest model served.', () => readings.stateBytes())
  gauge('memory_budget_bytes', 'The limit that --memory sets; 0 for none.', () => readings.memory().limit ?? 0)
  const memory: Gauge<'kind'> = new Gauge({
    name: 'mneme_memory_bytes',
    help: 'Bytes of memory that are promised: to weights, to states being computed, to states kept in memory.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, used] of Object.entries(readings.memory().used)) memory.set({ kind }, used)
    },
  })
  onDisk(registry, readings)
}

/** What the store counts. A metric that is read later must say so itself: all of them are asked at once. */
function onDisk(registry: Registry, readings: Readings): void {
  type Parked = Awaited<ReturnType<Readings['parked']>>
  let asking: Promise<Parked | null> | null = null
  const parked = (): Promise<Parked | null> =>
    (asking ??= readings
      .parked()
      .catch(() => null)
      .finally(() => (asking = null)))
  const gauge = (name: string, help: string, read: (parked: Parked) => number): void => {
    const metric: Gauge = new Gauge({
      name: `mneme_${name}`,
      help,
      registers: [registry],
      async collect() {
        const now = await parked()
        if (now) metric.set(read(now))
      },
    })
  }
  gauge('sessions_parked', 'Sessions on disk.', ({ sessions }) => sessions)
  gauge('stored_state_bytes', 'Bytes of all states on disk.', ({ bytes }) => bytes)
  gauge('prefix_cache_disk_bytes', 'Bytes of the prefix cache on disk.', ({ prefixBytes }) => prefixBytes)
  gauge('episodes', 'Turns that are found by search.', ({ episodes }) => episodes)
  const counter = (name: string, help: string, read: (parked: Parked) => number): void => {
    const metric: Counter = new Counter({
      name: `mneme_${name}_total`,
      help,
      registers: [registry],
      async collect() {
        const now = await parked()
        if (!now) return
        metric.reset()
        metric.inc(read(now))
      },
    })
  }
  counter(
    'state_evictions',
    'States that went from the disk for want of room; they are rebuilt when they are needed.',
    ({ evictions }) => evictions,
  )
  counter(
    'episode_evictions',
    'Turns that are not found by search any more, for want of room; they stay stored.',
    ({ episodesEvicted }) => episodesEvicted,
  )
  gauge(
    'vector_index_vectors',
    'Vectors of memories that are found by an index.',
    ({ vectorIndex }) => vectorIndex.vectors,
  )
  counter(
    'vector_index_failures',
    'Times that a process of vector indexes has ended by itself.',
    ({ vectorIndex }) => vectorIndex.failures,
  )
  counter(
    'vector_index_fallbacks',
    'Searches that scanned vectors because their index did not answer.',
    ({ vectorIndex }) => vectorIndex.fallbacks,
  )
}
