/** Connects engines to the ports of their thread. */
import { parentPort, type MessagePort } from 'node:worker_threads'
import type { TextCodec } from '../../runtime/text.ts'
import { createEngine } from './engine.ts'
import type { OpenEngine } from './engine-thread.ts'
import type { FromEngine, ToEngine } from './messages.ts'
import type { Runner } from './runner.ts'

export interface OpenedModel {
  readonly runner: Runner
  readonly codec: TextCodec
  /** How it runs, for /version. */
  readonly runtime: string
}

/** What a thread of engines does: opens what it is told to, one after the other, and ends when it is told to close. */
export function runEngines(open: (payload: unknown) => Promise<OpenedModel>): void {
  let opening: Promise<void> = Promise.resolve()
  parentPort?.on('message', (message: OpenEngine | { readonly closing: true }) => {
    if ('closing' in message) return parentPort?.close() // the thread ends when its engines have closed, too
    const { payload, port } = message
    opening = opening.then(() => serveEngine(port, () => open(payload)))
  })
}

/** Opens the model and serves it on `port` until it is told to close; says `unusable` if it cannot be opened. */
async function serveEngine(port: MessagePort, open: () => Promise<OpenedModel>): Promise<void> {
  try {
    const { runner, codec, runtime } = await open()
    const emit = (message: FromEngine): void => port.postMessage(message)
    const receive = createEngine(runner, codec, runtime, emit, () => port.close())
    port.on('message', (message: ToEngine) => receive(message))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    port.postMessage({ kind: 'unusable', message } satisfies FromEngine)
    port.close()
  }
}
