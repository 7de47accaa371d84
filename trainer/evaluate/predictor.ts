/** Who answers the questions of a task: a decoder here, or a server that is asked for likelihoods. */
import type { Decoder, State } from '../../runtime/decoder.ts'
import type { Tensor } from '../../runtime/tensor.ts'
import type { Sequence } from '../data/tasks/task.ts'
import { type ServerClient, ServerError } from './server-client.ts'

export interface Predictor {
  /** Tokens of its vocabulary, where that is known. */
  readonly vocab?: number
  /** For each sequence the likeliest token after every scored position, by position. */
  predict(sequences: readonly Sequence[]): Promise<ArrayLike<number>[]>
}

/** Numbers of logits that may be in memory at a time. */
const LOGITS = 1 << 23

/** Feeds the sequences side by side, piece by piece; logits are made from the first scored position of a piece on. */
export function decoderPredictor(decoder: Decoder): Predictor {
  return {
    vocab: decoder.vocab,
    async predict(sequences) {
      const length = Math.max(...sequences.map(({ ids }) => ids.length))
      // Rows end where the longest one does
      const rows = sequences.map(({ ids }) => Int32Array.from({ length }, (_, t) => ids[t] ?? 0))
      const scored = sequences.map(({ answers }) => new Set(answers.flatMap(({ at }) => at)))
      const predicted = rows.map(() => new Int32Array(length))
      const piece = Math.max(1, Math.min(256, Math.floor(LOGITS / (rows.length * decoder.vocab))))
      let state: State = decoder.start(rows.length)
      for (let from = 0; from < length; from += piece) {
        const to = Math.min(length, from + piece)
        const first = firstOf(scored, from, to)
        const ids = rows.map((row) => row.subarray(from, to))
        // Without a scored position in the piece, the logits of its last token only
        const step = await decoder.run(ids, state, Math.min(first, to - 1) - from)
        state = step.state
        for (const [row, wanted] of scored.entries())
          for (let at = first; at < to; at++)
            if (wanted.has(at)) predicted[row]![at] = likeliest(step.logits, row, at - first)
      }
      return predicted
    },
  }
}

interface Completion {
  readonly choices: readonly {
    readonly index: number
    readonly logprobs: { readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[] }
  }[]
}

/** Prompts of one request. */
const PROMPTS = 8

/**
 * Sends the ids as prompts that are echoed with the likeliest token of each place. The tokens of a task's model are numbers
 * written out; another model's are not, and are refused with a ServerError.
 */
export function serverPredictor(client: ServerClient): Predictor {
  return {
    async predict(sequences) {
      const found: number[][] = []
      for (let from = 0; from < sequences.length; from += PROMPTS) {
        const { choices } = await client.call<Completion>('/v1/completions', {
          model: await client.model(),
          // What is said of a token is what was predicted before it: one more is read after the last position
          prompt: sequences.slice(from, from + PROMPTS).map(({ ids }) => [...ids, 0]),
          max_tokens: 0,
          echo: true,
          logprobs: 1,
        })
        for (const { logprobs } of choices.toSorted((a, b) => a.index - b.index))
          found.push(logprobs.top_logprobs.slice(1).map((top) => idOf(Object.keys(top ?? {})[0] ?? '')))
      }
      return found
    },
  }
}

function idOf(token: string): number {
  if (!/^ ?\d+$/.test(token))
    throw new ServerError(`expected the server to have the model of a task, whose tokens are numbers, got "${token}"`)
  return Number(token)
}

/** The first scored position of any row in [from, to), or `to`. */
function firstOf(scored: readonly ReadonlySet<number>[], from: number, to: number): number {
  for (let at = from; at < to; at++) if (scored.some((wanted) => wanted.has(at))) return at
  return to
}

function likeliest({ data, dims }: Tensor, row: number, time: number): number {
  const [, times, vocab] = dims as readonly [number, number, number]
  const start = (row * times + time) * vocab
  const logits = data as Float32Array
  let best = 0
  for (let i = 1; i < vocab; i++) if (logits[start + i]! > logits[start + best]!) best = i
  return best
}
