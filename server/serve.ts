/** A running server: threads, routes, a listening socket, and how all of that stops. */
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import type { Server } from 'node:http'
import { createApp } from './app.ts'
import type { Config } from './config.ts'
import { startCritic } from './critic/encoder/claim-encoder.ts'
import { startSmallTalk } from './critic/small-talk.ts'
import type { VerifyMode } from './critic/verify-mode.ts'
import type { Deps } from './deps.ts'
import type { Bundle } from '../runtime/bundle.ts'
import { startEmbedderThread } from './embedding/embedders.ts'
import { startController, type ControllerSource } from './controller/served-controller.ts'
import { startEmbedders, type EmbedderSource } from './embedding/served-embedder.ts'
import { startEngineThread } from './engine/engine-thread.ts'
import type { SupervisedModel } from './engine/supervisor.ts'
import { createListener } from './http/listener.ts'
import { createKeyRing } from './keys.ts'
import { FollowingStates } from './following-states.ts'
import { createLifecycle } from './lifecycle.ts'
import { createLog } from './log.ts'
import { cacheBytes, limitsOf } from './limits.ts'
import { indexUnfinished } from './files/index-file.ts'
import { startReader } from './memory/reader.ts'
import { embedPending } from './memory/memories.ts'
import { createMetrics } from './metrics.ts'
import { embedPendingTurns } from './openai/episodes.ts'
import { packageVersion } from '../runtime/package.ts'
import { createDiskTier } from './prefix-cache/disk-tier.ts'
import { createPrefixCache } from './prefix-cache/prefix-cache.ts'
import { OpenConversations } from './openai/open-conversations.ts'
import { createProtection } from './protection.ts'
import { RecentStates } from './recent-states.ts'
import type { ServedModel } from './served-model.ts'
import { budgetOf, startModels, type ModelSource } from './start-models.ts'
import { reportDamage } from './store/report-damage.ts'
import type { Store } from './store/store.ts'
import { startTokenizerThread } from './engine/tokenizer.ts'
import { StateCache } from './state-cache.ts'
import { sibling } from './thread.ts'

/** How long connections may take to end by themselves once all work is done. */
const FAREWELL_MS = 1_000

export interface Sources {
  /** Models that write text. */
  readonly models: readonly ModelSource[]
  readonly embedders: readonly EmbedderSource[]
  /** What decides gates, in place of thresholds. */
  readonly controller?: ControllerSource | null
  /** What is done with a reply that is wrong about its user, unless the configuration says it; `annotate` unless given. */
  readonly verify?: VerifyMode
  /** The bundle of the encoder that checks replies after the rules. */
  readonly critic?: Bundle | null
  /** The bundle of what reads memories for a question. */
  readonly reader?: Bundle | null
  /** The bundle of what answers small talk in place of models that know only what they were told. */
  readonly smallTalk?: Bundle | null
}

/** What a server is made of besides its models. */
export interface Parts {
  /** It is closed with the server. */
  readonly store: Store
  /** Entry of the threads of engines. */
  readonly engine?: URL
  /** Entry of the tokenizer's thread. */
  readonly tokenizer?: URL
  /** Entry of the embedders' thread. */
  readonly embedder?: URL
}

export type { ControllerSource } from './controller/served-controller.ts'
export type { EmbedderSource } from './embedding/served-embedder.ts'
export type { ModelSource } from './start-models.ts'

export interface RunningServer {
  readonly url: string
  readonly deps: Deps
  /** Drains and closes everything. */
  stop(): Promise<void>
  /** Resolves when the server can go on no longer: the reason. */
  readonly broken: Promise<string>
}

/** Starts everything; resolves once requests are taken. Throws in one sentence what could not be started. */
export async function startServer(
  config: Config,
  sources: Sources,
  {
    store,
    engine = sibling('./engine/worker', import.meta.url),
    tokenizer = sibling('./engine/tokenizer-worker', import.meta.url),
    embedder = sibling('./embedding/worker', import.meta.url),
  }: Parts,
): Promise<RunningServer> {
  const log = createLog(config.logLevel)
  const { maxBatch, maxQueue } = config
  for (const note of await store.ready) log.warn({ data: config.data }, note)
  const tokenizers = startTokenizerThread(tokenizer, log)
  const limits = limitsOf(config)
  const budget = budgetOf(config, limits)
  const states = new StateCache(cacheBytes(config).states)
  const isCaching = cacheBytes(config).states > 0
  const prefixes = isCaching ? createPrefixCache(states, createDiskTier(store, log)) : null
  const recent = isCaching ? new RecentStates(states) : null
  const models: SupervisedModel[] = []
  // Models share threads: more of them than cores would only take memory.
  const count = Math.max(1, Math.min(sources.models.length, availableParallelism()))
  const threads = Array.from({ length: count }, () => startEngineThread(engine, log))
  const embedding = startEmbedderThread(embedder, log)
  // A thread of its own: texts that are embedded do not keep replies waiting.
  const checking = startEmbedderThread(sibling('./embedding/worker', import.meta.url), log)
  // And one for what a turn waits for before its reply.
  const reading = startEmbedderThread(sibling('./embedding/worker', import.meta.url), log)
  const stopping = new AbortController()
  const shut = async (): Promise<void> => {
    stopping.abort(new Error('the server is stopping'))
    for (const model of models) model.close()
    await Promise.all(threads.map((thread) => thread.close()))
    await Promise.all([tokenizers.close(), embedding.close(), checking.close(), reading.close()])
    await store.close()
  }
  try {
    const sum = (read: (model: ServedModel) => number): number =>
      models.reduce((total, model) => total + read(model), 0)
    const metrics = createMetrics({
      running: () => sum((model) => model.engine.load.running),
      waiting: () => sum((model) => model.preparing + model.engine.load.waiting),
      stateBytes: () => Math.max(0, ...models.map((model) => model.info?.stateBytes ?? 0)),
      memory: () => budget,
      parked: async () => {
        const { stateBytes: bytes, ...counts } = await store.statistics()
        return { bytes, ...counts }
      },
      prefixes: () => ({ bytes: states.bytes, evictions: prefixes?.evictions ?? 0 }),
    })
    reportDamage(store, log, metrics)
    const embedders = await startEmbedders(sources.embedders, embedding, config, budget)
    const gating = await startController(sources.controller ?? null, embedders, embedding, config.gateThresholds)
    if (gating.refused !== null) log.warn(gating.refused)
    const critic = sources.critic ? await startCritic(sources.critic, checking, budget) : null
    const reader = sources.reader ? await startReader(sources.reader, reading, budget) : null
    const smallTalk = await startSmallTalk(sources.smallTalk ?? null, checking, budget, log)
    await startModels(models, sources.models, {
      threads,
      tokenizers,
      prefixes,
      budget,
      limit: maxBatch + maxQueue,
      log,
      metrics,
    })
    const lifecycle = createLifecycle()
    const keys = createKeyRing(config.apiKeys, config.keysFile)
    const { allowedHosts, allowedOrigins } = config
    const access = { keysRequired: keys.required, allowedHosts, allowedOrigins }
    const protection = createProtection(limits, access, metrics)
    const about = { log, version: packageVersion(), now: Date.now }
    const { memories, verify = sources.verify ?? 'annotate' } = config
    const kept = { store, prefixes, recent, memories, verify, gating, critic, smallTalk, reader }
    const deps: Deps = {
      models,
      embedders,
      ...kept,
      metrics,
      keys,
      lifecycle,
      following: new FollowingStates(lifecycle),
      conversations: new OpenConversations(),
      ...protection,
      ...about,
    }
    const pending = embedPending(deps, stopping.signal).then(() => embedPendingTurns(deps, stopping.signal))
    void pending.catch((error: unknown) => log.warn({ err: error }, 'memories have no vectors yet'))
    void indexUnfinished(deps).catch((error: unknown) =>
      log.warn({ err: error }, 'files that were being indexed go on at the next start'),
    )
    const { server, connections } = createListener(createApp(deps), deps)
    const url = await listen(server, config)
    return {
      url,
      deps,
      broken: store.broken,
      async stop() {
        await lifecycle.drain(config.drainTimeout * 1000)
        // Answers that are complete here may still be on their way out; what does not end by itself is cut off.
        const closed = new Promise((resolve) => server.close(resolve))
        const cut = setTimeout(() => connections.destroyAll(), FAREWELL_MS)
        await closed
        clearTimeout(cut)
        await shut()
      },
    }
  } catch (error) {
    await shut()
    throw error
  }
}

async function listen(server: Server, { host, port }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`cannot listen on ${host}:${port}: ${error.message}. Choose another --port.`)),
    )
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${name}:${address.port}`
}
