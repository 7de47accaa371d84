/** llama.cpp's server as a contender: a program on this machine and a GGUF file. */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { basename } from 'node:path'
import { startChildServer, type ChildServer } from './child-server.ts'
import { bytesWrittenBy, type Contender, type ManagedServer } from './contender.ts'

export interface LlamaOptions {
  readonly name?: string
  /** The program llama-server. */
  readonly program: string
  readonly gguf: string
  /** A folder for saved slots. */
  readonly data: string
  /** The longest conversation, its replies included. */
  readonly tokens: number
  readonly concurrency: number
  /** More arguments of llama-server. */
  readonly args?: readonly string[]
}

/** llama.cpp's own way to drop a model: after so many seconds without a request. */
const IDLE_SECONDS = 2

export function llamaContender(options: LlamaOptions): Contender {
  return {
    name: options.name ?? 'llama-server',
    model: basename(options.gguf),
    continuesById: false,
    keepOnDisk: {},
    server: llamaServer(options),
  }
}

/** What llama-server says of its version. Throws where the program cannot be run. */
export function llamaVersion(program: string): string {
  const { stdout, stderr, error, status } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  if (error || status !== 0)
    throw new Error(`${program}: expected llama.cpp's server, got ${error?.message ?? `exit code ${status}`}`)
  const version = /version: (.*)/.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown version'
  return `llama.cpp ${version}`
}

function llamaServer({ program, gguf, data, tokens, concurrency, args = [] }: LlamaOptions): ManagedServer {
  let child: ChildServer | null = null
  return {
    async start(workload) {
      const argsFor = (port: number): string[] =>
        Object.entries({
          model: gguf,
          alias: basename(gguf),
          host: '127.0.0.1',
          port: String(port),
          parallel: String(workload === 'speed' ? concurrency : 1),
          'ctx-size': String(tokens),
          'slot-save-path': data,
          ...(workload === 'unloads' ? { 'sleep-idle-seconds': String(IDLE_SECONDS) } : {}),
        }).flatMap(([name, value]) => [`--${name}`, value])
      child = await startChildServer(program, (port) => [...argsFor(port), '--kv-unified', ...args])
      return child.url
    },
    async stop(signal) {
      await child?.stop(signal)
      child = null
    },
    async unload() {
      if (child === null) throw new Error('the server does not run')
      while (!(await isAsleep(child.url))) await sleep(100)
    },
    slot: { save: (url) => slotAction(url, 'save'), restore: (url) => slotAction(url, 'restore') },
    bytesWritten: () => child && bytesWrittenBy(child.pid),
  }
}

async function slotAction(url: string, action: 'save' | 'restore'): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ filename: 'conversation.bin' })
  const answer = await fetch(`${url}/slots/0?action=${action}`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(`${url}: the slot could not be ${action}d: ${await answer.text()}`)
}

async function isAsleep(url: string): Promise<boolean> {
  const props = (await (await fetch(`${url}/props`)).json()) as { is_sleeping?: boolean }
  if (props.is_sleeping === undefined) throw new Error('this llama-server is too old to say whether it sleeps')
  return props.is_sleeping
}
