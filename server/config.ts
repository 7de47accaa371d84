/** The server's configuration: flags over MNEME_* variables over a JSON file, checked by one schema. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { byteCount } from './byte-count.ts'
import { ConfigError } from './config-error.ts'
import { VERIFY_MODES } from './critic/verify-mode.ts'
import { gateThresholds } from './controller/gate-thresholds.ts'
import { LEVELS } from './log.ts'
import { MEMORY_MODES } from './memory/memory-mode.ts'

export { ConfigError } from './config-error.ts'

const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
const list = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value),
  z.array(z.string().min(1)),
)
const flag = z.union([z.boolean(), z.stringbool()])
const origin = z.string().refine((value) => value === '*' || (URL.canParse(value) && new URL(value).origin === value), {
  message: 'expected origins as a browser sends them, such as http://localhost:3000, or *',
})

export const configSchema = z.strictObject({
  /** Folders of bundles; none: the bundled default model. */
  bundles: list.default([]),
  host: z.string().min(1).default('127.0.0.1'),
  port: count(0, 65_535).default(8080),
  data: z.string().min(1).default('./data'),
  /** Threads within one operator of a model; none: what a measurement at the start finds fastest. */
  threads: count(1, 256).optional(),
  device: z.enum(['cpu', 'webgpu', 'cuda']).default('cpu'),
  /** Replies computed together. */
  maxBatch: count(1, 256).default(8),
  /** Replies waiting beyond those. */
  maxQueue: count(0, 100_000).default(64),
  /** Tokens of a draft of a reply at most; 0: none are made. */
  draftMax: count(0, 15).default(15),
  /** Bytes of memory for weights and states together; none: no limit, and all models are loaded at the start. */
  memory: byteCount.optional(),
  apiKeys: list.default([]),
  /** A JSON file of keys with tenants and scopes; SIGHUP reads it again. */
  keysFile: z.string().min(1).optional(),
  /** Serve without keys on an address that other machines can reach. */
  allowAnonymous: flag.default(false),
  /** Names, besides localhost and addresses, by which clients may call the server. */
  allowedHosts: list.default([]),
  /** Origins whose web pages may use the server. */
  allowedOrigins: list.pipe(z.array(origin)).default([]),
  /** Bytes of a request body or WebSocket message at most, after decompression. */
  maxBody: count(1024, 256 * 1024 * 1024).default(1024 * 1024),
  /** Connections at most, of all clients together. */
  maxConnections: count(1, 1_000_000).default(1024),
  /** Requests in flight and WebSockets of one key's tenant at most. */
  maxConnectionsPerKey: count(1, 1_000_000).default(256),
  /** Seconds after which an idle HTTP connection is closed. */
  keepAlive: count(1, 3600).default(75),
  /** Most recently used states of a session that are kept besides those of its last turns. */
  keepStates: count(1, 10_000).default(8),
  /** Tokens that rebuilding a pruned state may cost, besides those of its own turn. */
  replayTokens: count(1, 1_000_000).default(2048),
  /** Bytes on disk for the states of stored responses; beyond them the owner who holds most gives way. */
  stateDisk: byteCount.default(16 * 1024 * 1024 * 1024),
  /**
   * Bytes of memory for states that later turns go on from; 0: every prompt is read whole, and responses are continued
   * from disk; none: an eighth of `memory`, or of the machine's.
   */
  prefixCache: count(0, Number.MAX_SAFE_INTEGER).optional(),
  /** Bytes on disk for those of requests that ask for it. */
  prefixDisk: count(0, Number.MAX_SAFE_INTEGER).default(4 * 1024 * 1024 * 1024),
  /** Vectors of a namespace of memories from which on they are found by an index; 0: never. */
  vectorIndexThreshold: count(0, Number.MAX_SAFE_INTEGER).default(500_000),
  /** What turns do with memories: `on` reads and writes them, `read` only reads, `off` neither. */
  memories: z.enum(MEMORY_MODES).default('on'),
  /** URL of the PostgreSQL with pgvector that holds memories; none: the data folder does. */
  memoryStore: z
    .string()
    .refine((value) => URL.canParse(value) && /^postgres(?:ql)?:$/.test(new URL(value).protocol), {
      message: 'expected a URL as postgres://user@host:5432/database',
    })
    .optional(),
  /** Turns of a tenant that are found across conversations, at most; beyond them those that matter least are found no more. */
  memoryEntries: count(1, 100_000_000).default(100_000),
  /** Whether memories that say the same are one entry of a search. */
  consolidation: flag.default(true),
  /** What is done with a reply that is wrong about its user; none: `quote` for the bundled model, `annotate` for others. */
  verify: z.enum(VERIFY_MODES).optional(),
  /** The folder of a bundle with a controller, which decides gates; none: that of the bundles served, or thresholds. */
  controller: z.string().min(1).optional(),
  /** From which value on gates are open: `semantic=0.6,episodic=0.5`. */
  gateThresholds: gateThresholds.default({}),
  /** What checks replies: `rules` alone; `encoder`, which reads what the rules cannot; or a bundle with such an encoder. */
  critic: z.string().min(1).default('rules'),
  /** What reads memories for a question: `bundled`; `none`; or a bundle with such a classifier. */
  reader: z.string().min(1).default('bundled'),
  logLevel: z.enum(LEVELS).default('info'),
  /** Seconds that replies get to finish once the server is told to stop. */
  drainTimeout: count(0, 3600).default(30),
})

export type Config = z.output<typeof configSchema>
export type ConfigSource = Readonly<Record<string, unknown>>

/** Variables of the other commands and of the runtime; any further MNEME_ variable is a setting: MNEME_MAX_BATCH. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['MNEME_CONFIG', 'MNEME_RUNTIME', 'MNEME_URL', 'MNEME_PYTHON'])

/** Options of which there may be several are variables by the name of one, too. */
const SINGULAR: Readonly<Record<string, string>> = {
  apiKey: 'apiKeys',
  allowedHost: 'allowedHosts',
  allowedOrigin: 'allowedOrigins',
}

/** Returns the configuration. Throws ConfigError naming the first setting that does not fit and where it came from. */
export function loadConfig(flags: ConfigSource, environment: NodeJS.ProcessEnv): Config {
  const file = (flags['config'] as string | undefined) ?? environment['MNEME_CONFIG']
  const { config: _, ...given } = flags
  const sources: [string, ConfigSource][] = [
    ['the command line', given],
    ['the environment', fromEnvironment(environment)],
    [file ?? '', file === undefined ? {} : fromFile(file)],
  ]
  for (const [where, source] of sources) {
    const wrong = configSchema.safeParse(source)
    if (!wrong.success) throw new ConfigError(sentence(where, wrong.error.issues[0] as z.core.$ZodIssue))
  }
  const config = configSchema.parse({ ...sources[2]?.[1], ...sources[1]?.[1], ...sources[0]?.[1] })
  requireProtection(config)
  return config
}

/** Throws ConfigError where anybody who reaches the port, or any web page, could read and delete conversations. */
function requireProtection({ host, apiKeys, keysFile, allowAnonymous, allowedOrigins }: Config): void {
  if (apiKeys.length > 0 || keysFile !== undefined) return
  if (!isLoopback(host) && !allowAnonymous) {
    throw new ConfigError(
      `host ${host} can be reached from other machines, and no API keys are configured. ` +
        'Set --api-key (MNEME_API_KEYS) or --keys-file (MNEME_KEYS_FILE), or allow everybody with ' +
        '--allow-anonymous (MNEME_ALLOW_ANONYMOUS=true).',
    )
  }
  if (allowedOrigins.includes('*')) {
    throw new ConfigError(
      "setting 'allowedOrigins': * lets every web page read all conversations when there are no API keys. " +
        'Name the origins, or set --api-key.',
    )
  }
}

/** Whether `host` can be reached from this machine only. */
function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (address === 'localhost' || address === '::1') return true
  return isIP(address.replace('::ffff:', '')) === 4 && address.replace('::ffff:', '').startsWith('127.')
}

function fromEnvironment(environment: NodeJS.ProcessEnv): ConfigSource {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('MNEME_') || OTHER_VARIABLES.has(name) || value === undefined) continue
    const setting = settingOf(name.slice('MNEME_'.length))
    const before = found[setting]
    found[setting] = before === undefined ? value : `${before},${value}` // of a list in the singular and the plural
  }
  return found
}

function fromFile(file: string): ConfigSource {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ConfigSource
  } catch (cause) {
    throw new ConfigError(`${file}: expected a readable JSON file, got ${String(cause)}`, { cause })
  }
  throw new ConfigError(`${file}: expected a JSON object of settings`)
}

function settingOf(name: string): string {
  const setting = name.toLowerCase().replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return SINGULAR[setting] ?? setting
}

function sentence(where: string, issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `${where}: unknown setting '${issue.keys[0]}'. See mneme serve --help.`
  return `${where}: setting '${issue.path.join('.')}': ${issue.message}.`
}
