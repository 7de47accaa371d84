/** The HTTP thread's side of the embedders: texts in, vectors out, computed on a thread of their own. */
import type { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { createDeferred, type Deferred } from '../deferred.ts'
import type { ControllerOutput } from '../../runtime/controller.ts'
import { startThread } from '../thread.ts'
import type { EmbeddingInput, FromEmbedders, RefusedInput, ToEmbedders } from './messages.ts'

/** An input that cannot be embedded. */
export class InputError extends Error {
  override name = 'InputError' as const
  readonly refused: RefusedInput

  constructor(refused: RefusedInput) {
    super(`input ${refused.index}: ${refused.reason}`)
    this.refused = refused
  }
}

export interface EmbedOptions {
  readonly owner: string
  /** Tokens that are kept of a longer input; null: a longer input is refused. */
  readonly keep: number | null
  readonly signal: AbortSignal
}

export interface Embedded {
  /** One for each input. */
  readonly vectors: readonly Float32Array[]
  /** That were read for them. */
  readonly tokens: number
}

export interface OpenEmbedder {
  /** How it runs, for /version. */
  readonly runtime: string
  /** Rejects with InputError, with the signal's reason, or where the thread has failed. */
  embed(inputs: readonly EmbeddingInput[], options: EmbedOptions): Promise<Embedded>
}

export interface OpenController {
  /** Rejects with the signal's reason, or where the thread has failed. */
  readonly control: (query: Float32Array, features: Float32Array, signal: AbortSignal) => Promise<ControllerOutput>
}

export interface EmbedderThread {
  /** Opens the embedder of a bundle's folder. Rejects if it cannot be opened. */
  open(folder: string, threads: number): Promise<OpenEmbedder>
  /** The same for the controller of a bundle's folder, which runs on one thread. */
  openController(folder: string): Promise<OpenController>
  close(): Promise<void>
}

/** The thread of all embedders; it starts when the first is opened. `module` is its entry. */
export function startEmbedderThread(module: URL, log: Logger): EmbedderThread {
  const opened = new Map<string, ToEmbedders>()
  const waiting = new Map<number, Deferred<FromEmbedders>>()
  let thread: Worker | null = null
  let last = 0
  let closing = false

  const run = (): Worker => {
    const started = startThread(module, {})
    thread = started
    started.on('message', (answer: FromEmbedders) => {
      waiting.get(answer.id)?.resolve(answer)
      waiting.delete(answer.id)
    })
    started.on('error', (error) => log.error({ err: error }, "the embedders' thread failed"))
    started.on('exit', () => {
      if (thread === started) thread = null
      if (!closing) log.warn("the embedders' thread has ended; it starts again with the next text")
      for (const answer of waiting.values()) answer.reject(new Error("the embedders' thread has ended"))
      waiting.clear()
    })
    // What was open before it died: messages are answered in their order.
    for (const question of opened.values()) started.postMessage(question, [])
    return started
  }
  const ask = (question: (id: number) => ToEmbedders): { id: number; answer: Promise<FromEmbedders> } => {
    const id = ++last
    const answer = createDeferred<FromEmbedders>()
    waiting.set(id, answer)
    ;(thread ?? run()).postMessage(question(id), [])
    return { id, answer: answer.promise }
  }
  const forget = (id: number, reason: Error): void => {
    thread?.postMessage({ kind: 'cancel', id }, [])
    waiting.get(id)?.reject(reason)
    waiting.delete(id)
  }
  const askUntil = async (signal: AbortSignal, question: (id: number) => ToEmbedders): Promise<FromEmbedders> => {
    signal.throwIfAborted()
    const { id, answer } = ask(question)
    const cancel = (): void => forget(id, signal.reason as Error)
    signal.addEventListener('abort', cancel, { once: true })
    return answer.finally(() => signal.removeEventListener('abort', cancel))
  }
  const openWith = async (question: (id: number) => ToEmbedders): Promise<string> => {
    const reply = await ask(question).answer
    if (reply.kind !== 'opened') throw new Error(reply.kind === 'failed' ? reply.message : 'it was not opened')
    const again = question(0)
    opened.set(JSON.stringify(again), again)
    return reply.runtime
  }
  return {
    async open(folder, threads) {
      const runtime = await openWith((id) => ({ kind: 'open', id, folder, threads }))
      return {
        runtime,
        async embed(inputs, { owner, keep, signal }) {
          const found = await askUntil(signal, (id) => ({ kind: 'embed', id, folder, owner, inputs, keep }))
          if (found.kind === 'refused') throw new InputError(found.refused)
          if (found.kind !== 'embedded') throw new Error(found.kind === 'failed' ? found.message : 'no vectors came')
          return { vectors: rowsOf(found.vectors, inputs.length), tokens: found.tokens }
        },
      }
    },
    async openController(folder) {
      await openWith((id) => ({ kind: 'open-controller', id, folder }))
      return {
        async control(query, features, signal) {
          const found = await askUntil(signal, (id) => ({ kind: 'control', id, folder, query, features }))
          if (found.kind !== 'controlled') throw new Error(found.kind === 'failed' ? found.message : 'no decision came')
          return found.output
        },
      }
    },
    async close() {
      closing = true
      await thread?.terminate()
    },
  }
}

function rowsOf(joined: Float32Array, count: number): Float32Array[] {
  const width = joined.length / count
  return Array.from({ length: count }, (_, row) => joined.subarray(row * width, (row + 1) * width))
}
