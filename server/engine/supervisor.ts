/** Keeps an engine running: when its thread dies, its requests fail and a new one is started. */
import type { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { ModelDescription, ServedModel } from '../served-model.ts'
import { startThread } from '../thread.ts'
import { connectEngine, type Engine } from './client.ts'
import type { ModelInfo } from './messages.ts'
import type { Tokenizer } from './tokenizer.ts'

/** The module of an engine's thread and what it is given. */
export interface EngineStart {
  readonly module: URL
  readonly payload: unknown
}

/** Between a crash and the new start: a model that always crashes must not keep the machine busy. */
const RESTART_MS = 1_000
/** How long an engine may take to close; a call that hangs is not waited for. */
const CLOSE_MS = 2_000

/** A served model whose engine takes at most `limit` replies in work or waiting. */
export function superviseEngine(
  description: ModelDescription,
  start: EngineStart,
  tokenizer: Tokenizer,
  limit: number,
  log: Logger,
): ServedModel & { close(): Promise<void> } {
  let engine: Engine
  let thread: Worker
  let ended: Promise<unknown>
  let info: ModelInfo | null = null
  let everReady = false
  let closing = false
  let restart: NodeJS.Timeout | undefined

  const run = (): void => {
    thread = startThread(start.module, start.payload)
    ended = new Promise((resolve) => thread.once('exit', resolve))
    const connected = connectEngine(thread, tokenizer, limit)
    engine = connected
    connected.ready.then(
      (ready) => {
        everReady = true
        info = ready
      },
      () => undefined,
    )
    thread.on('error', (error: Error) => connected.fail(`the engine failed: ${error.message}`))
    thread.on('exit', () => {
      info = null
      connected.fail('the engine has stopped')
      if (closing || !everReady) return
      log.error({ model: description.name }, 'the engine has stopped; starting it again')
      restart = setTimeout(run, RESTART_MS)
    })
  }
  run()
  return {
    ...description,
    get engine() {
      return engine
    },
    get info() {
      return info
    },
    async close() {
      closing = true
      clearTimeout(restart)
      engine.close()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => (timer = setTimeout(resolve, CLOSE_MS)))
      await Promise.race([ended, late])
      clearTimeout(timer)
      await thread.terminate()
    },
  }
}
