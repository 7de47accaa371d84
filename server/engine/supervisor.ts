/** A served model whose engine is replaced when its thread dies: requests in work fail, later ones find the new one. */
import type { MessagePort } from 'node:worker_threads'
import type { ModelDescription, ServedModel } from '../served-model.ts'
import { connectEngine, type Engine } from './client.ts'
import type { EngineThread } from './engine-thread.ts'
import { prefixesOf } from '../prefix-cache/model-prefixes.ts'
import type { PrefixCache } from '../prefix-cache/prefix-cache.ts'
import type { ModelInfo } from './messages.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface SupervisedModel extends ServedModel {
  /** Tells the engine to close. */
  close(): void
}

/** Opens `payload` in `thread`, as a model whose engine takes at most `limit` replies in work or waiting. */
export function superviseEngine(
  description: ModelDescription,
  payload: unknown,
  thread: EngineThread,
  tokenizer: Tokenizer,
  limit: number,
  prefixes: PrefixCache | null,
): SupervisedModel {
  let engine: (Engine & { fail(reason: string): void }) | null = null
  let info: ModelInfo | null = null
  let everReady = false
  let closing = false
  thread.add({
    payload,
    connect(port: MessagePort) {
      const connected = connectEngine(port, tokenizer, limit, prefixesOf(prefixes, description.bundle))
      engine = connected
      connected.ready.then(
        (ready) => {
          everReady = true
          info = ready
        },
        () => undefined,
      )
    },
    lost(reason) {
      info = null
      engine?.fail(reason)
      return everReady && !closing
    },
  })
  return {
    ...description,
    get engine() {
      return engine as Engine
    },
    get info() {
      return info
    },
    close() {
      closing = true
      engine?.close()
    },
  }
}
