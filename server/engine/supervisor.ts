/**
 * A served model: loaded when it is asked for, unloaded when others need its memory, and opened again when its thread
 * dies: requests in work fail, later ones find the new engine.
 */
import type { MessagePort } from 'node:worker_threads'
import type { ModelDescription, ServedModel } from '../served-model.ts'
import { AdmissionError, BusyError, createEngineClient } from './client.ts'
import type { EngineThread, HostedModel } from './engine-thread.ts'
import { prefixesOf } from '../prefix-cache/model-prefixes.ts'
import type { PrefixCache } from '../prefix-cache/prefix-cache.ts'
import type { ModelInfo } from './messages.ts'
import type { ModelMemory } from './model-memory.ts'
import type { ModelPool, PooledModel } from './model-pool.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface SupervisedModel extends ServedModel, PooledModel {
  /** Tells the engine to close. */
  close(): void
}

export interface SupervisedSource {
  readonly description: ModelDescription
  readonly memory: ModelMemory
  /** What a thread of engines is told to open. */
  readonly payload: unknown
}

/** A model of `pool` in one of `threads`, whose engine takes at most `limit` replies in work or waiting. */
export function superviseEngine(
  { description, memory, payload }: SupervisedSource,
  threads: readonly EngineThread[],
  tokenizer: Tokenizer,
  limit: number,
  pool: ModelPool,
  prefixes: PrefixCache | null,
): SupervisedModel {
  const { name, contextLength } = description
  let info: ModelInfo | null = null
  let state: 'closed' | 'opening' | 'ready' | 'restarting' = 'closed'
  let thread: EngineThread | null = null
  let opened: { resolve(): void; reject(error: Error): void } | null = null
  let closed: (() => void) | null = null
  let closing = false
  let preparing = 0

  const admit: Parameters<typeof createEngineClient>[0]['admit'] = async (demand, signal) => {
    try {
      return await pool.admit(model, demand, signal)
    } catch (error) {
      if (error instanceof AdmissionError) throw error
      throw notLoaded(name, error)
    }
  }
  const engine = createEngineClient({
    tokenizer,
    limit,
    contextLength,
    openPrompt: prefixesOf(prefixes, description.bundle),
    admit,
  })
  /** It runs no longer, and is not opened again before it is asked for. */
  const end = (reason: string): void => {
    const before = state
    state = 'closed'
    thread?.remove(hosted)
    thread = null
    engine.detach()
    opened?.reject(new Error(reason))
    closed?.()
    if (before === 'restarting') pool.lost(model)
  }
  const hosted: HostedModel = {
    payload,
    connect(port: MessagePort) {
      port.on('close', () => closed?.())
      engine.attach(port).then(
        (ready) => {
          info = ready
          state = 'ready'
          opened?.resolve()
        },
        (error: Error) => end(error.message),
      )
    },
    lost(reason) {
      engine.fail(reason)
      const again = state === 'ready' || state === 'restarting'
      if (again && !closing && closed === null) state = 'restarting'
      else end(reason)
      return state === 'restarting'
    },
  }
  const model: SupervisedModel = {
    ...description,
    memory,
    engine,
    get info() {
      return state === 'restarting' ? null : info
    },
    get loaded() {
      return state === 'ready'
    },
    get restarting() {
      return state === 'restarting'
    },
    get preparing() {
      return preparing
    },
    async prepare(owner, signal) {
      if (info !== null) return
      if (preparing >= limit) throw new BusyError(`${limit} requests wait for the model ${name} to be loaded.`)
      preparing++
      try {
        const leave = await admit({ owner, sequences: 0, tokens: 0, stateBytes: 0 }, signal)
        leave()
      } finally {
        preparing--
      }
    },
    async open() {
      state = 'opening'
      const done = new Promise<void>((resolve, reject) => (opened = { resolve, reject }))
      thread = threads.reduce((least, one) => (one.models < least.models ? one : least))
      thread.add(hosted)
      await done
    },
    async shut() {
      const done = new Promise<void>((resolve) => (closed = resolve))
      // One that is being opened again closes once it is open.
      if (thread?.runs === true) {
        engine.close()
        await done
      }
      closed = null
      state = 'closed'
      thread?.remove(hosted)
      thread = null
      engine.detach()
    },
    close() {
      closing = true
      engine.close()
    },
  }
  return model
}

function notLoaded(name: string, error: unknown): AdmissionError {
  const reason = error instanceof Error ? error.message : String(error)
  const message = `The model ${name} could not be loaded: ${reason}. The next request for it tries again.`
  return new AdmissionError('engine_not_loaded', message)
}
