/** Connects an engine to the port of its thread. */
import type { MessagePort } from 'node:worker_threads'
import type { TextCodec } from '../../runtime/text.ts'
import { createEngine } from './engine.ts'
import type { FromEngine, ToEngine } from './messages.ts'
import type { Runner } from './runner.ts'

export interface OpenedModel {
  readonly runner: Runner
  readonly codec: TextCodec
  /** How it runs, for /version. */
  readonly runtime: string
}

/** Opens the model and serves it on `port` until it is told to close; says `unusable` if it cannot be opened. */
export async function serveEngine(port: MessagePort, open: () => Promise<OpenedModel>): Promise<void> {
  const emit = (event: FromEngine): void => {
    // The bytes of a checkpoint are handed over, not copied.
    const state = event.kind === 'done' ? event.checkpoint?.state.buffer : undefined
    port.postMessage(event, state instanceof ArrayBuffer ? [state] : [])
  }
  try {
    const { runner, codec, runtime } = await open()
    const receive = createEngine(runner, codec, runtime, emit)
    port.on('message', (message: ToEngine) => {
      receive(message)
      if (message.kind === 'close') port.close()
    })
  } catch (error) {
    emit({ kind: 'unusable', message: error instanceof Error ? error.message : String(error) })
    port.close()
  }
}
