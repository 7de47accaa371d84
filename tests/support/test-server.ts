/** The whole application in this process, over the fake model and a real store in a temporary folder. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import { createApp } from '../../server/app.ts'
import type { Deps } from '../../server/deps.ts'
import type { ServedEmbedder } from '../../server/embedding/served-embedder.ts'
import { connectEngine } from '../../server/engine/client.ts'
import { encodePrompt } from '../../server/engine/encode.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { createEngine } from '../../server/engine/engine.ts'
import type { ModelInfo, ToEngine } from '../../server/engine/messages.ts'
import type { Tokenizer } from '../../server/engine/tokenizer.ts'
import { prefixesOf } from '../../server/prefix-cache/model-prefixes.ts'
import { createDiskTier } from '../../server/prefix-cache/disk-tier.ts'
import { createPrefixCache } from '../../server/prefix-cache/prefix-cache.ts'
import { createListener } from '../../server/http/listener.ts'
import { createKeyRing } from '../../server/keys.ts'
import { FollowingStates } from '../../server/following-states.ts'
import { createLifecycle } from '../../server/lifecycle.ts'
import { DEFAULT_LIMITS, type Limits } from '../../server/limits.ts'
import { createLog } from '../../server/log.ts'
import { MemoryBudget } from '../../server/memory-budget.ts'
import { createMetrics } from '../../server/metrics.ts'
import { OpenConversations } from '../../server/openai/open-conversations.ts'
import { createProtection } from '../../server/protection.ts'
import type { ServedModel } from '../../server/served-model.ts'
import { reportDamage } from '../../server/store/report-damage.ts'
import { RecentStates } from '../../server/recent-states.ts'
import { StateCache } from '../../server/state-cache.ts'
import { withPostgres } from '../../server/store/postgres/with-postgres.ts'
import { startStore } from '../../server/store/start.ts'
import type { VectorIndexOptions } from '../../server/vector-index/index-types.ts'
import { byteCodec, createFakeRunner, type FakeOptions } from './fake-model.ts'
import { FAKE_MODEL, fakeSource } from './fake-source.ts'
import { temporaryFolder } from './temporary.ts'

const MIB = 1024 * 1024

export interface TestOptions extends FakeOptions {
  readonly embedders?: readonly ServedEmbedder[]
  /** What turns do with memories; nothing unless given. */
  readonly memories?: Deps['memories']
  /** What is done with replies that are wrong about their user; they are not checked unless given. */
  readonly verify?: Deps['verify']
  /** The model says what its user told, and knows nothing else. */
  readonly knowsOnlyTold?: boolean
  /** What decides gates; thresholds unless given. */
  readonly gating?: Deps['gating']
  readonly critic?: Deps['critic']
  readonly smallTalk?: Deps['smallTalk']
  readonly reader?: Deps['reader']
  readonly keys?: readonly string[]
  readonly keysFile?: string
  /** Of the model. */
  readonly name?: string
  readonly allowedHosts?: readonly string[]
  readonly allowedOrigins?: readonly string[]
  readonly limits?: Partial<Limits>
  readonly limit?: number
  readonly contextLength?: number | null
  /** Instead of the byte codec. */
  readonly codec?: TextCodec
  readonly keepStates?: number
  readonly maxPages?: number
  readonly memoryEntries?: number
  /** Of the PostgreSQL that holds memories. */
  readonly memoryStore?: string
  /** Vectors are scanned unless given. */
  readonly vectorIndex?: VectorIndexOptions
  readonly replayTokens?: number
  readonly folder?: string
  /** Bytes of the prefix cache; 64 MiB unless given, 0 for none. */
  readonly prefixCache?: number
  /** Bytes of states of responses that are kept in memory: none unless given, so that the store is asked. */
  readonly recentStates?: number
  /** Bytes of it on disk; 64 MiB unless given. */
  readonly prefixDisk?: number
}

export interface TestServer {
  readonly deps: Deps
  /** A request to the application, without a network. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  /** POST of a JSON body; its answer's status and JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<{ status: number; json: Json }>
  /** Listens on a free port; returns http://127.0.0.1:PORT. */
  listen(): Promise<string>
  /** Before the end of the test: another server can have the folder then. */
  close(): Promise<void>
}

// Answers are looked into freely; what does not fit fails the expectation.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any

/** A codec in this thread. */
const tokenizerOf = (codec: TextCodec): Tokenizer => ({
  messageEnds: codec.messageEnds(),
  encode: async (_, prompt, continued, pending) => encodePrompt(codec, prompt, continued, pending),
  reencode: async (_, prompt, reply) => codec.reencode(prompt, reply),
})

export async function startTestServer(options: TestOptions = {}): Promise<TestServer> {
  const { allowedHosts = [], allowedOrigins = [], limits = {} } = options
  const { keys = [], limit = 64, keepStates = 8, replayTokens = 2048, maxPages, folder = temporaryFolder() } = options
  const { codec = byteCodec, contextLength = null } = options
  const { port1, port2 } = new MessageChannel()
  const { prefixCache = 64 * MIB, prefixDisk = 64 * MIB, recentStates = 0 } = options
  const { memoryStore, knowsOnlyTold = false } = options
  const description = { ...fakeSource().description, knowsOnlyTold }
  const here = startStore({
    memoriesElsewhere: memoryStore !== undefined,
    folder,
    keepStates,
    replayTokens,
    stateBytes: Infinity,
    prefixBytes: prefixDisk,
    ...(maxPages === undefined ? {} : { maxPages }),
    ...(options.memoryEntries === undefined ? {} : { memoryEntries: options.memoryEntries }),
    ...(options.vectorIndex === undefined ? {} : { vectorIndex: options.vectorIndex }),
  })
  const store = memoryStore === undefined ? here : withPostgres(here, memoryStore)
  await store.ready
  const log = createLog('silent')
  const states = new StateCache(prefixCache)
  const prefixes = prefixCache > 0 ? createPrefixCache(states, createDiskTier(store, log)) : null
  const recent = recentStates > 0 ? new RecentStates(new StateCache(recentStates)) : null
  const openPrompt = prefixesOf(prefixes, description.bundle)
  const engine = connectEngine(port1, { tokenizer: tokenizerOf(codec), limit, contextLength, openPrompt })
  const receive = createEngine(
    createFakeRunner(options),
    codec,
    'fake',
    (event) => port2.postMessage(event),
    () => port2.close(),
  )
  port2.on('message', (message: ToEngine) => receive(message))
  const info: ModelInfo = await engine.ready
  const { name = FAKE_MODEL } = options
  const model: ServedModel = {
    ...description,
    name,
    contextLength,
    engine,
    info,
    loaded: true,
    restarting: false,
    preparing: 0,
    prepare: async () => undefined,
  }
  const metrics = createMetrics({
    running: () => engine.load.running,
    waiting: () => engine.load.waiting,
    stateBytes: () => info.stateBytes,
    memory: () => new MemoryBudget(null),
    parked: async () => {
      const { stateBytes: bytes, ...counts } = await store.statistics()
      return { bytes, ...counts }
    },
    prefixes: () => ({ bytes: prefixes?.memoryBytes ?? 0, evictions: prefixes?.evictions ?? 0 }),
  })
  reportDamage(store, log, metrics)
  const ring = createKeyRing(keys, options.keysFile)
  const access = { keysRequired: ring.required, allowedHosts, allowedOrigins }
  const lifecycle = createLifecycle()
  const deps: Deps = {
    models: [model],
    embedders: options.embedders ?? [],
    store,
    prefixes,
    recent,
    memories: options.memories ?? 'off',
    verify: options.verify ?? 'off',
    gating: options.gating ?? { controller: null, refused: null, thresholds: {} },
    critic: options.critic ?? null,
    smallTalk: options.smallTalk ?? null,
    reader: options.reader ?? null,
    metrics,
    keys: ring,
    conversations: new OpenConversations(),
    ...createProtection({ ...DEFAULT_LIMITS, ...limits }, access, metrics),
    lifecycle,
    following: new FollowingStates(lifecycle),
    log,
    version: '0.0.0-test',
    now: Date.now,
  }
  const app = createApp(deps)
  let server: Server | undefined
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    server?.closeAllConnections()
    server?.close()
    engine.close()
    port1.close()
    return store.close()
  }
  const closeOnce = (): Promise<void> => (closing ??= close())
  onTestFinished(closeOnce)
  const request: TestServer['request'] = async (method, path, body, headers = {}) => {
    const json =
      body === undefined || body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body)
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    return app.request(path, {
      method,
      headers: { ...type, ...headers },
      ...(json === undefined ? {} : { body: json as string }),
    })
  }
  return {
    deps,
    request,
    close: closeOnce,
    async post(path, body, headers) {
      const answer = await request('POST', path, body, headers)
      return { status: answer.status, json: await answer.json() }
    },
    async listen() {
      const listener = createListener(app, deps)
      server = listener.server
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => listener.connections.destroyAll())
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
  }
}
