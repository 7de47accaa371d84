/** Entry of the tokenizer's thread: opens the tokenizers of bundles when they are first asked for, and answers in order. */
import { parentPort } from 'node:worker_threads'
import { openText, type TextCodec } from '../../runtime/text.ts'
import { answerQuestion } from './encode.ts'
import type { TokenizerAnswer, TokenizerRequest } from './tokenizer.ts'

if (parentPort) {
  const port = parentPort
  const codecs = new Map<string, TextCodec>()
  const codecOf = (folder: string): TextCodec => {
    const codec = codecs.get(folder) ?? openText(folder)
    codecs.set(folder, codec)
    return codec
  }
  port.on('message', ({ folder, question }: TokenizerRequest) => {
    try {
      port.postMessage(answerQuestion(codecOf(folder), question) satisfies TokenizerAnswer)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      port.postMessage({ kind: 'unusable', message } satisfies TokenizerAnswer)
    }
  })
}
