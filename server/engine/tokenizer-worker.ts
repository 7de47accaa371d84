/** Entry of the tokenizer's thread: opens the tokenizers of bundles when they are first asked for, and answers in order. */
import { parentPort } from 'node:worker_threads'
import { openText, type TextCodec } from '../../runtime/text.ts'
import { encodePrompt } from './encode.ts'
import type { TokenizerAnswer, TokenizerRequest } from './tokenizer.ts'

if (parentPort) {
  const port = parentPort
  const codecs = new Map<string, TextCodec>()
  const codecOf = (folder: string): TextCodec => {
    const codec = codecs.get(folder) ?? openText(folder)
    codecs.set(folder, codec)
    return codec
  }
  port.on('message', ({ folder, prompt, continued, pending }: TokenizerRequest) => {
    try {
      const codec = codecOf(folder)
      const encoded = prompt && encodePrompt(codec, prompt, continued, pending)
      port.postMessage({ encoded } satisfies TokenizerAnswer)
    } catch (error) {
      port.postMessage({ unusable: error instanceof Error ? error.message : String(error) } satisfies TokenizerAnswer)
    }
  })
}
