/** Connects an engine to the port of its thread. */
import type { MessagePort } from 'node:worker_threads'
import type { TextCodec } from '../../runtime/text.ts'
import { transferList } from '../checkpoint.ts'
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
  try {
    const { runner, codec, runtime } = await open()
    const receive = createEngine(runner, codec, runtime, (message) => port.postMessage(message, moved(message)))
    port.on('message', (message: ToEngine) => {
      receive(message)
      if (message.kind === 'close') port.close()
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    port.postMessage({ kind: 'unusable', message } satisfies FromEngine)
    port.close()
  }
}

/** The bytes of checkpoints are moved to the other thread, not copied. */
function moved(message: FromEngine): ArrayBuffer[] {
  if (message.kind !== 'events') return []
  return message.events.flatMap((event) =>
    event.kind === 'done' && event.checkpoint ? transferList(event.checkpoint.state) : [],
  )
}
