/** `mneme serve` as a contender, over a data folder of its own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startChildServer, type ChildServer } from './child-server.ts'
import { bytesWrittenBy, type Contender, type ManagedServer } from './contender.ts'

/** A model that can be served beside another of its size, so that one has to be unloaded for the other. */
export interface BenchModel {
  /** Folder of its bundle. */
  readonly bundle: string
  readonly name: string
  /** A bundle with the same files under another name. */
  readonly twin: { readonly bundle: string; readonly name: string }
  /** `--memory` that holds either of the two with a conversation of `tokens`, and not both. */
  memoryFor(tokens: number): number
}

export interface MnemeOptions {
  readonly name?: string
  /** The file of the command, as Node runs it. */
  readonly bin: string
  readonly model: BenchModel
  /** A folder for conversations. */
  readonly data: string
  /** The longest conversation. */
  readonly tokens: number
  /** Requests at once in the workload `speed`. */
  readonly concurrency: number
  /** More arguments of `mneme serve`. */
  readonly args?: readonly string[]
}

/** What the twin is asked for, less than `tokens` so that its prompt has room. */
const twinTokens = (tokens: number): number => 2 * Math.max(512, tokens) - 256

export function mnemeContender(options: MnemeOptions): Contender {
  return {
    name: options.name ?? 'mneme',
    model: options.model.name,
    continuesById: true,
    keepOnDisk: { prompt_cache_retention: '24h' },
    server: mnemeServer(options),
  }
}

function mnemeServer({ bin, model, data, tokens, concurrency, args = [] }: MnemeOptions): ManagedServer {
  let child: ChildServer | null = null
  return {
    async start(workload) {
      const memory = String(model.memoryFor(twinTokens(tokens)))
      const models = workload === 'unloads' ? [model.bundle, model.twin.bundle, '--memory', memory] : [model.bundle]
      const batch = workload === 'speed' ? ['--max-batch', String(Math.max(8, concurrency))] : []
      const fixed = ['--log-level', 'error', '--until-stdin-ends', '--data', data, '--memories', 'off']
      const argsFor = (port: number) => [bin, 'serve', ...models, '--port', String(port), ...fixed, ...batch, ...args]
      child = await startChildServer(process.execPath, argsFor, defaultEnvironment())
      return child.url
    },
    async stop(signal) {
      await child?.stop(signal)
      child = null
    },
    async unload() {
      if (child === null) throw new Error('the server does not run')
      await loadTwin(child.url, model.twin.name, twinTokens(tokens))
      while (await isLoaded(child.url, model.name)) await sleep(20)
    },
    bytesWritten: () => child && bytesWrittenBy(child.pid),
  }
}

/** The environment without the settings of the user's own server. */
function defaultEnvironment(): NodeJS.ProcessEnv {
  const isSetting = (name: string): boolean => name.startsWith('MNEME_') && name !== 'MNEME_RUNTIME'
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)))
}

/** Asks the twin for a long reply, for which the other model has to go, and cancels it when it begins. */
async function loadTwin(url: string, model: string, tokens: number): Promise<void> {
  const cancel = new AbortController()
  const body = JSON.stringify({ model, prompt: 'Hello', max_tokens: tokens, stream: true })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/v1/completions`, { method: 'POST', headers, body, signal: cancel.signal })
  if (!answer.ok) throw new Error(`${url}: the second model was refused: ${await answer.text()}`)
  while (!(await isLoaded(url, model))) await sleep(20)
  cancel.abort()
}

async function isLoaded(url: string, model: string): Promise<boolean> {
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
    data: { id: string; mneme: { loaded: boolean } }[]
  }
  return data.find(({ id }) => id === model)?.mneme.loaded === true
}
