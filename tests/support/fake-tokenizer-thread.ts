/** A tokenizer's thread over the byte codec. */
import { parentPort } from 'node:worker_threads'
import { encodePrompt } from '../../server/engine/encode.ts'
import type { TokenizerRequest } from '../../server/engine/tokenizer.ts'
import { byteCodec } from './fake-model.ts'

parentPort?.on('message', ({ prompt, continued, pending }: TokenizerRequest) => {
  const encoded = prompt && encodePrompt(byteCodec, prompt, continued, pending)
  parentPort?.postMessage({ encoded }, [])
})
