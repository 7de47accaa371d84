/** The command `mneme serve`. */
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { loadBundle } from '../runtime/bundle.ts'
import { loadConfig, ConfigError, type Config } from './config.ts'
import { LEVELS } from './log.ts'
import { packageRoot } from './package.ts'
import { startServer, type ModelSource, type RunningServer } from './serve.ts'
import { startStore } from './store/start.ts'
import type { Store } from './store/store.ts'
import { sibling } from './thread.ts'

const DEFAULT_BUNDLE = 'models/pretrained/keeper'
/** Reply length where neither request nor bundle says one. */
const DEFAULT_MAX_TOKENS = 1024

/** Exit codes: 0 stopped as asked, 1 failed, 2 wrong use. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('serve models over the OpenAI protocols, with memory that lasts')
    .argument('[bundles...]', 'folders of bundles (default: the bundled model)')
    .option('--config <file>', 'JSON file of settings')
    .option('--host <name>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 for any free one (default: 8080)')
    .option('--data <folder>', 'folder for conversations and their memory (default: ./data)')
    .option('--threads <number>', 'threads of the engine (default: 2)')
    .addOption(new Option('--device <name>', 'where the model runs (default: cpu)').choices(['cpu', 'webgpu', 'cuda']))
    .option('--max-batch <number>', 'replies computed together (default: 8)')
    .option('--max-queue <number>', 'replies waiting before requests are refused (default: 64)')
    .option('--api-key <key>', 'require this key; may be repeated', (key: string, all?: string[]) => [
      ...(all ?? []),
      key,
    ])
    .option('--keep-states <number>', 'most recently used memories of a session that are kept (default: 8)')
    .option('--replay-tokens <number>', 'tokens that rebuilding a pruned memory may cost (default: 2048)')
    .option('--drain-timeout <seconds>', 'time that replies get to finish when the server stops (default: 30)')
    .option('--until-stdin-ends', 'stop when stdin is closed: for a server that another program starts')
    .addOption(new Option('--log-level <level>', 'what is logged to stderr (default: info)').choices(LEVELS))
    .action(async (bundles: string[], { apiKey, untilStdinEnds, ...flags }: Record<string, unknown>) => {
      if (untilStdinEnds === true) process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGTERM'))
      const given = { ...flags, ...(bundles.length > 0 ? { bundles } : {}), ...(apiKey ? { apiKeys: apiKey } : {}) }
      process.exitCode = await serve(() => loadConfig(given, process.env), bundledSources)
      if (untilStdinEnds === true) process.stdin.destroy() // or it would keep the process alive
    })
}

/** Runs a server until it is told to stop; returns the exit code. */
export async function serve(
  configure: () => Config,
  sourcesOf: (config: Config) => Promise<ModelSource[]>,
  makeStore: (config: Config) => Store = storeOf,
  tokenizer?: URL,
): Promise<number> {
  try {
    const config = configure()
    const sources = await sourcesOf(config)
    const parts = { store: makeStore(config), ...(tokenizer ? { tokenizer } : {}) }
    const server = await startServer(config, sources, parts)
    const stopped = untilStopped(server) // before the line below: who has read it may signal at once
    process.stdout.write(`mneme: listening on ${server.url}\n`)
    return await stopped
  } catch (error) {
    process.stderr.write(`mneme: ${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ConfigError ? 2 : 1
  }
}

/** The store of a configuration's data folder. */
function storeOf({ data, keepStates, replayTokens }: Config): Store {
  return startStore({ folder: data, keepStates, replayTokens })
}

/** The bundles of a configuration, each in an engine of its own. */
async function bundledSources(config: Config): Promise<ModelSource[]> {
  const folders = config.bundles.length > 0 ? config.bundles : [join(packageRoot(), DEFAULT_BUNDLE)]
  const sources = await Promise.all(folders.map((folder) => sourceOf(folder, config)))
  const names = sources.map(({ description }) => description.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new ConfigError(`two of the bundles are named ${twice}; serve one of them`)
  return sources
}

async function sourceOf(folder: string, { threads, device, maxBatch }: Config): Promise<ModelSource> {
  const { manifest, id, dir } = await loadBundle(folder)
  const { temperature = 1, top_p = 1, max_tokens = DEFAULT_MAX_TOKENS } = manifest.generation
  return {
    description: {
      name: manifest.name,
      bundle: id,
      architecture: manifest.architecture,
      kernels: manifest.graphs['decoder']?.kernels ?? 'portable',
      parameters: manifest.parameters,
      created: Math.floor(Date.now() / 1000),
      defaults: { temperature, topP: top_p, maxTokens: max_tokens },
    },
    tokenizer: dir,
    start: {
      module: sibling('./engine/worker', import.meta.url),
      payload: { bundle: dir, threads, rows: maxBatch, device },
    },
  }
}

/** Drains on the first SIGTERM or SIGINT, leaves at once on the second. */
async function untilStopped(server: RunningServer): Promise<number> {
  const asked = new Promise<null>((resolve) => {
    let times = 0
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (++times > 1) process.exit(1)
        resolve(null)
      })
    }
  })
  const reason = await Promise.race([asked, server.broken])
  if (reason !== null) process.stderr.write(`mneme: ${reason}\n`)
  await server.stop()
  return reason === null ? 0 : 1
}
