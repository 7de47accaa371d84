/** Conversations with notes as training data: each row of a batch is one of them, and the reply is what is learned. */
import type { TextCodec } from '../../../runtime/text.ts'
import { Random, type RandomState } from '../../random.ts'
import { DataError, emptyBatch, type Batch, type Dataset } from '../batch.ts'
import type { Example } from './conversation.ts'
import { exampleSource } from './example.ts'
import { readReplies } from './replies.ts'
import type { Part } from './values.ts'

export interface NotesOptions {
  readonly batch: number
  readonly sequenceLength: number
  readonly codec: TextCodec
  readonly seed: number
  readonly part: Part
}

/** Batches without an end. A conversation that does not fit into a row is drawn again. */
export function notesDataset({ batch, sequenceLength, codec, seed, part }: NotesOptions): Dataset {
  const random = new Random(`notes ${part} ${seed}`)
  const draw = exampleSource(readReplies(), part)
  return {
    description: `conversations with notes (${part}), seed ${seed}, ${batch} rows of ${sequenceLength} tokens`,
    next() {
      const out = emptyBatch(batch, sequenceLength)
      for (let row = 0; row < batch; row++) {
        let tokens = tokensOf(draw(random), codec)
        for (let tries = 1; tokens.ids.length > sequenceLength + 1; tries++) {
          if (tries > 100)
            throw new DataError(`sequenceLength: expected room for a conversation, got ${sequenceLength} tokens`)
          tokens = tokensOf(draw(random), codec)
        }
        fill(out, row, sequenceLength, tokens)
      }
      return Promise.resolve(out)
    },
    position: () => [...random.state],
    seek(position) {
      random.restore(position as unknown as RandomState)
      return Promise.resolve()
    },
  }
}

/** A conversation's ids, and how many of them stand before the reply. */
interface Tokens {
  readonly ids: readonly number[]
  readonly prompt: number
}

/** The ids that a server would make of it. */
function tokensOf({ messages, reply, ends }: Example, codec: TextCodec): Tokens {
  const prompt = codec.chat(messages, { continued: false, generate: true })
  return { ids: [...prompt, ...codec.encode(reply), ...(ends ? codec.eos.slice(0, 1) : [])], prompt: prompt.length }
}

function fill(out: Batch, row: number, time: number, { ids, prompt }: Tokens): void {
  const base = row * time
  for (let t = 0; t + 1 < ids.length; t++) {
    out.ids[base + t] = ids[t]!
    out.targets[base + t] = ids[t + 1]!
    out.weights[base + t] = t + 1 >= prompt ? 1 : 0
  }
}
