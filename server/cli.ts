/** The command `mneme serve`. */
import { criticOf } from './critic/encoder/claim-encoder.ts'
import { VERIFY_MODES, type VerifyMode } from './critic/verify-mode.ts'
import { MEMORY_MODES } from './memory/memory-mode.ts'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { decoderOf, loadBundle, ManifestError, type Bundle } from '../runtime/bundle.ts'
import { memoryOf } from './engine/model-memory.ts'
import { loadConfig, ConfigError, type Config, type ConfigSource } from './config.ts'
import { cacheBytes } from './limits.ts'
import { LEVELS } from './log.ts'
import { packageRoot } from '../runtime/package.ts'
import {
  startServer,
  type ControllerSource,
  type EmbedderSource,
  type ModelSource,
  type Parts,
  type RunningServer,
  type Sources,
} from './serve.ts'
import { withPostgres } from './store/postgres/with-postgres.ts'
import { startStore } from './store/start.ts'
import type { Store } from './store/store.ts'

/** The bundled model. */
export const DEFAULT_BUNDLE = join(packageRoot(), 'models/pretrained/keeper')
/** The bundled encoder of sentences, which is served where no other one is. */
export const DEFAULT_EMBEDDER = join(packageRoot(), 'models/pretrained/embedder')
/** The one that checks replies where an encoder is asked for. */
export const DEFAULT_READER = join(packageRoot(), 'models/pretrained/reader')
const DEFAULT_CRITIC = join(packageRoot(), 'models/pretrained/critic')
/** What answers small talk in place of models that know only what they were told. */
export const SMALL_TALK = join(packageRoot(), 'models/pretrained/small-talk')
/** Reply length where neither request nor bundle says one. */
const DEFAULT_MAX_TOKENS = 1024

/** The bundle folder of what was named: a published model is imported into `folder` first. `say` gets lines meanwhile. */
export type FindBundle = (named: string, folder: string, say: (line: string) => void) => Promise<string>

/** Exit codes: 0 stopped as asked, 1 failed, 2 wrong use. */
export function serveCommand(find: FindBundle): Command {
  return new Command('serve')
    .description('serve models over the OpenAI protocols, with memory that lasts')
    .argument(
      '[models...]',
      'folders of bundles; or published models and sentence encoders, which are imported on first use: a folder with safetensors or an ONNX decoder, a .gguf or .onnx file, hf:OWNER/NAME[@REVISION][:FILE] (default: the bundled model)',
    )
    .option('--config <file>', 'JSON file of settings')
    .option('--host <name>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 for any free one (default: 8080)')
    .option('--data <folder>', 'folder for conversations and their memory (default: ./data)')
    .option('--threads <number>', 'threads of each model (default: what is measured to be fastest at the start)')
    .addOption(new Option('--device <name>', 'where the model runs (default: cpu)').choices(['cpu', 'webgpu', 'cuda']))
    .option(
      '--memory <bytes>',
      'memory for weights and states, such as 8GB; models are then loaded as they are asked for',
    )
    .option('--max-batch <number>', 'replies computed together (default: 8)')
    .option('--max-queue <number>', 'replies waiting before requests are refused (default: 64)')
    .option(
      '--draft-max <number>',
      'tokens of a reply that are guessed and verified in one call, 0 for none (default: 15)',
    )
    .addOption(
      new Option('--memories <mode>', 'what turns do with memories of their user (default: on)').choices(MEMORY_MODES),
    )
    .option('--memory-store <url>', 'PostgreSQL with pgvector that holds memories (default: the data folder does)')
    .option('--memory-entries <number>', 'turns of a tenant that are found across conversations (default: 100000)')
    .option('--consolidation <yes>', 'memories that say the same are one entry of a search (default: yes)')
    .option(
      '--vector-index-threshold <number>',
      'vectors of a namespace of memories from which on they are found by an index, 0 for never (default: 500000)',
    )
    .addOption(
      new Option('--verify <policy>', 'what is done with a reply that is wrong about its user').choices(VERIFY_MODES),
    )
    .option('--controller <folder>', "a bundle with a controller that decides turns' gates (default: thresholds do)")
    .option('--gate-thresholds <gates>', 'from which value on gates are open, such as semantic=0.6,episodic=0.5')
    .option(
      '--critic <name>',
      'what checks replies: rules; encoder, which reads what they cannot; or a bundle with another encoder (default: rules)',
    )
    .option(
      '--reader <name>',
      'what reads memories for a question: bundled, none, or a bundle with another (default: bundled)',
    )
    .option('--api-key <key>', 'require this key; may be repeated', collect)
    .option('--keys-file <file>', 'JSON file of keys with tenants and scopes; SIGHUP reads it again')
    .option('--allow-anonymous', 'serve without keys on an address that other machines can reach')
    .option('--allowed-host <name>', 'a name by which clients may call the server; may be repeated', collect)
    .option('--allowed-origin <origin>', 'web pages that may use the server; may be repeated', collect)
    .option('--max-body <bytes>', 'request bodies at most, unpacked (default: 1048576)')
    .option('--max-connections <number>', 'open connections at most (default: 1024)')
    .option('--max-connections-per-key <number>', "requests and WebSockets of a key's tenant at most (default: 256)")
    .option('--keep-alive <seconds>', 'time after which an idle connection is closed (default: 75)')
    .option('--keep-states <number>', 'most recently used memories of a session that are kept (default: 8)')
    .option('--replay-tokens <number>', 'tokens that rebuilding a pruned memory may cost (default: 2048)')
    .option('--state-disk <bytes>', 'disk for memories, such as 8GB; beyond it the oldest are rebuilt (default: 16GiB)')
    .option(
      '--prefix-cache <bytes>',
      'memory for states that later turns go on from, 0 for none (default: an eighth of the memory)',
    )
    .option('--prefix-disk <bytes>', 'disk for those of requests that ask to keep them (default: 4294967296)')
    .option('--drain-timeout <seconds>', 'time that replies get to finish when the server stops (default: 30)')
    .option('--until-stdin-ends', 'stop when stdin is closed: for a server that another program starts')
    .addOption(new Option('--log-level <level>', 'what is logged to stderr (default: info)').choices(LEVELS))
    .action(async (bundles: string[], { untilStdinEnds, ...flags }: Record<string, unknown>) => {
      if (untilStdinEnds === true) process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGTERM'))
      const given = { ...settingsOf(flags), ...(bundles.length > 0 ? { bundles } : {}) }
      process.exitCode = await serve(
        () => loadConfig(given, process.env),
        (config) => bundledSources(config, find),
      )
      if (untilStdinEnds === true) process.stdin.destroy() // or it would keep the process alive
    })
}

function collect(value: string, all?: string[]): string[] {
  return [...(all ?? []), value]
}

/** Flags that may be repeated are named in the singular, their settings in the plural. */
function settingsOf({ apiKey, allowedHost, allowedOrigin, ...rest }: Record<string, unknown>): ConfigSource {
  const lists = { apiKeys: apiKey, allowedHosts: allowedHost, allowedOrigins: allowedOrigin }
  return { ...rest, ...Object.fromEntries(Object.entries(lists).filter(([, value]) => value !== undefined)) }
}

/** Runs a server until it is told to stop; returns the exit code. */
export async function serve(
  configure: () => Config,
  sourcesOf: (config: Config) => Promise<Sources>,
  makeStore: (config: Config) => Store = storeOf,
  entries: Pick<Parts, 'engine' | 'tokenizer' | 'embedder'> = {},
): Promise<number> {
  // Node would open its debugger to whoever may signal the process.
  process.on('SIGUSR1', () => undefined)
  // A full disk or a closed pipe behind our output must not end the server.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined)
  try {
    const config = configure()
    const sources = await sourcesOf(config)
    const server = await startServer(config, sources, { store: makeStore(config), ...entries })
    // Before the line below: who has read it may signal at once.
    const stopped = untilStopped(server, config)
    process.stdout.write(`mneme: listening on ${server.url}\n`)
    return await stopped
  } catch (error) {
    process.stderr.write(`mneme: ${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}

/** The store of a configuration's data folder. */
export function storeOf({ data, stateDisk, prefixDisk, vectorIndexThreshold: threshold, ...config }: Config): Store {
  const { keepStates, replayTokens, memoryEntries, consolidation, memoryStore } = config
  const bytes = { stateBytes: stateDisk, prefixBytes: prefixDisk }
  const memories = { memoryEntries, consolidation, vectorIndex: { threshold } }
  const options = { folder: data, keepStates, replayTokens, ...bytes, ...memories }
  if (memoryStore === undefined) return startStore(options)
  return withPostgres(startStore({ ...options, memoriesElsewhere: true }), memoryStore)
}

/** What the bundles of a configuration serve: those with a decoder each in an engine of its own. */
async function bundledSources(config: Config, find: FindBundle): Promise<Sources> {
  const named = config.bundles.length > 0 ? config.bundles : [DEFAULT_BUNDLE]
  const say = (line: string): void => void process.stderr.write(`mneme: ${line}\n`)
  const folders: string[] = []
  for (const one of named) folders.push(await find(one, join(config.data, 'models'), say))
  const given = await Promise.all(folders.map((folder) => loadBundle(folder)))
  const asked = config.controller === undefined ? undefined : await loadBundle(config.controller)
  const controller = asked ?? given.find(({ manifest }) => manifest.controller)
  const hasEmbedder = given.some(({ manifest }) => manifest.embedder)
  const bundles = hasEmbedder ? given : [...given, await loadBundle(DEFAULT_EMBEDDER)]
  const names = bundles.map(({ manifest }) => manifest.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new ConfigError(`two of the bundles are named ${twice}; serve one of them`)
  const embedders = bundles.filter(({ manifest }) => manifest.embedder)
  const decoders = bundles.filter(
    ({ manifest }) => manifest.graphs.decoder || !(manifest.embedder ?? manifest.controller),
  )
  return {
    models: decoders.map((bundle) => modelSource(bundle, config, decoders.length)),
    embedders: embedders.map(embedderSource),
    controller: controller ? controllerSource(controller) : null,
    critic: await criticBundle(config, (named) => find(named, join(config.data, 'models'), say)),
    reader: await readerBundle(config, (named) => find(named, join(config.data, 'models'), say)),
    smallTalk: knowsOnlyTold(decoders) ? await loadBundle(SMALL_TALK) : null,
    verify: verifyOf(decoders),
  }
}

/**
 * What is done with wrong replies where nothing else is said: models that say what they answer from are small, and make values up or
 * do not find in a note what it says.
 */
export function verifyOf(bundles: readonly Pick<Bundle, 'manifest'>[]): VerifyMode {
  return bundles.every(({ manifest }) => manifest.generation.answers_from) ? 'quote' : 'annotate'
}

/** Whether a model is among them that was trained to say again what its user told, and has no words for anything else. */
const knowsOnlyTold = (bundles: readonly Pick<Bundle, 'manifest'>[]): boolean =>
  bundles.some(({ manifest }) => manifest.generation.answers_from === 'memory')

/** The bundle of the critic's encoder; null where rules alone check. Throws ConfigError where it is none. */
async function criticBundle({ critic }: Config, find: (named: string) => Promise<string>): Promise<Bundle | null> {
  if (critic === 'rules') return null
  const bundle = await loadBundle(critic === 'encoder' ? DEFAULT_CRITIC : await find(critic))
  criticOf(bundle)
  return bundle
}

/** The bundle of the reader; null where there shall be none, or no turn reads memories. */
async function readerBundle(
  { reader, memories }: Config,
  find: (named: string) => Promise<string>,
): Promise<Bundle | null> {
  if (reader === 'none' || memories === 'off') return null
  return loadBundle(reader === 'bundled' ? DEFAULT_READER : await find(reader))
}

/** The embedder of a bundle. */
export function embedderSource({ manifest, id, dir }: Bundle): EmbedderSource {
  const { name, architecture, parameters, embedder, graphs, files } = manifest
  const { file } = graphs.embedder!
  const { width, maxTokens, normalize, leastSimilarity } = embedder!
  const weights = Object.keys(files).filter((one) => one.startsWith(file))
  return {
    description: {
      name,
      bundle: id,
      architecture,
      parameters,
      created: now(),
      width,
      maxTokens,
      normalize,
      leastSimilarity,
    },
    folder: dir,
    bytes: weights.reduce((sum, one) => sum + files[one]!.bytes, 0),
  }
}

/** The controller of a bundle. Throws ManifestError where it has none. */
export function controllerSource({ manifest, id, dir }: Bundle): ControllerSource {
  const { name, parameters, controller } = manifest
  if (!controller) throw new ManifestError(`${name}: expected a bundle with a controller, got one without`)
  return { name, bundle: id, parameters, entry: controller, folder: dir }
}

/** The decoder of a bundle, served beside so many models. Throws ManifestError where it has none. */
export function modelSource({ manifest, id, dir }: Bundle, config: Config, models = 1): ModelSource {
  const { threads, device, maxBatch } = config
  const residentBytes = Math.floor(cacheBytes(config).resident / models)
  const { temperature = 1, top_p = 1, max_tokens = DEFAULT_MAX_TOKENS, answers_from } = manifest.generation
  return {
    description: {
      name: manifest.name,
      bundle: id,
      architecture: manifest.architecture,
      kernels: decoderOf(manifest).kernels,
      parameters: manifest.parameters,
      created: now(),
      contextLength: manifest.maxTokens ?? null,
      knowsOnlyTold: answers_from === 'memory',
      defaults: { temperature, topP: top_p, maxTokens: max_tokens },
    },
    tokenizer: dir,
    memory: memoryOf(manifest, maxBatch),
    payload: { bundle: dir, id, threads: threads ?? null, rows: maxBatch, device, residentBytes },
  }
}

/** Seconds since 1970. */
const now = (): number => Math.floor(Date.now() / 1000)

/** Beyond the time for replies: threads get so long to end. */
const STOP_MS = 5_000

/**
 * Drains on the first SIGTERM, SIGINT or, without a keys file, SIGHUP (the terminal was closed); leaves at once on the
 * second. With a keys file SIGHUP reads it again.
 */
async function untilStopped(server: RunningServer, { keysFile, drainTimeout }: Config): Promise<number> {
  const asked = new Promise<null>((resolve) => {
    let times = 0
    const stop = (): void => {
      if (++times > 1) leave(1)
      resolve(null)
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
    process.on('SIGHUP', keysFile === undefined ? stop : () => reloadKeys(server))
  })
  const reason = await Promise.race([asked, server.broken])
  if (reason !== null) process.stderr.write(`mneme: ${reason}\n`)
  setTimeout(abandon, drainTimeout * 1000 + STOP_MS).unref()
  await server.stop()
  return reason === null ? 0 : 1
}

function reloadKeys({ deps }: RunningServer): void {
  try {
    deps.keys.reload()
    deps.log.info('the keys file was read again')
  } catch (error) {
    deps.log.error({ err: error }, 'the keys file cannot be used; the keys stay as they were')
  }
}

/** Ends the process although a thread is stuck in a native call, for which process.exit would wait. */
function abandon(): void {
  process.stderr.write(
    'mneme: a thread did not end in time; the process is killed. What was acknowledged is on disk.\n',
  )
  process.kill(process.pid, 'SIGKILL')
}

/** Ends the process at once. process.exit waits for a thread in a native call; then another process ends this one. */
function leave(code: number): void {
  const killer = spawn('sh', ['-c', `sleep 1; kill -9 ${process.pid}`], { detached: true, stdio: 'ignore' })
  killer.on('error', () => undefined)
  killer.unref()
  process.exit(code)
}
