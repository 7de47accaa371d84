/** Threads that run engines: each runs those of some models, and is started again when it dies. */
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { startThread } from '../thread.ts'

/** What a thread is told for each of its models: what to open, and the port on which the engine answers. */
export interface OpenEngine {
  readonly payload: unknown
  readonly port: MessagePort
}

/** A model that a thread runs. */
export interface HostedModel {
  readonly payload: unknown
  /** The thread has started: the engine is at the other end of `port`. */
  connect(port: MessagePort): void
  /** The thread has died. Returns whether the model is to be opened again. */
  lost(reason: string): boolean
}

export interface EngineThread {
  add(model: HostedModel): void
  /** It has been closed, or could not be opened: it is not opened again. */
  remove(model: HostedModel): void
  /** How many models it runs. */
  readonly models: number
  readonly runs: boolean
  /** Waits for engines that are closing for a while, then ends the thread. */
  close(): Promise<void>
}

/** Between a crash and the new start: a model that always crashes must not keep the machine busy. */
const RESTART_MS = 1_000
/** How long engines may take to close; a call that hangs is not waited for. */
const CLOSE_MS = 2_000

/** A thread of engines; `module` is its entry. */
export function startEngineThread(module: URL, log: Logger): EngineThread {
  const models = new Set<HostedModel>()
  let thread: Worker | null = null
  let ended: Promise<unknown> = Promise.resolve()
  let closing = false
  let restart: NodeJS.Timeout | undefined

  const open = (model: HostedModel): void => {
    const { port1, port2 } = new MessageChannel()
    thread?.postMessage({ payload: model.payload, port: port2 } satisfies OpenEngine, [port2])
    model.connect(port1)
  }
  const lose = (reason: string): void => {
    for (const model of models) if (!model.lost(reason)) models.delete(model)
  }
  const run = (): void => {
    restart = undefined
    const started = startThread(module, {})
    thread = started
    ended = new Promise((resolve) => started.once('exit', resolve))
    started.on('error', (error: Error) => lose(`the engine failed: ${error.message}`))
    started.on('exit', () => {
      thread = null
      lose('the engine has stopped')
      if (closing || models.size === 0) return
      log.error("an engine's thread has died; starting it again")
      restart = setTimeout(run, RESTART_MS)
    })
    for (const model of models) open(model)
  }
  return {
    add(model) {
      models.add(model)
      if (thread) open(model)
      else if (!restart) run()
    },
    remove: (model) => void models.delete(model),
    get models() {
      return models.size
    },
    get runs() {
      return thread !== null
    },
    async close() {
      closing = true
      clearTimeout(restart)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => (timer = setTimeout(resolve, CLOSE_MS)))
      thread?.postMessage({ closing: true }, [])
      await Promise.race([ended, late])
      clearTimeout(timer)
      await thread?.terminate()
    },
  }
}
