/** A tokenizer's thread over the byte codec. */
import { parentPort } from 'node:worker_threads'
import { answerQuestion } from '../../server/engine/encode.ts'
import type { TokenizerRequest } from '../../server/engine/tokenizer.ts'
import { byteCodec } from './fake-model.ts'

parentPort?.on('message', ({ question }: TokenizerRequest) => {
  parentPort?.postMessage(answerQuestion(byteCodec, question), [])
})
