/** Text from a decoder, outside the server: samples in reports, replies in evaluations. */
import type { Decoder, DecoderStep, State } from '../../runtime/decoder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import type { Random } from '../random.ts'

/** Tokens of a prompt that are computed at a time. */
const prefillTokens = 256

/** Where decoding stands: the session state, and the logits of what comes next. */
export interface DecodeState {
  readonly state: State
  readonly logits: Float32Array
}

export interface Sampling {
  readonly random: Random
  /** 0: always the likeliest token. */
  readonly temperature: number
}

export interface GenerateOptions {
  /** Most tokens. */
  readonly limit: number
  /** Greedy without. */
  readonly sampling?: Sampling
  /** Called with each token as it comes. */
  readonly onToken?: (id: number) => void
}

export interface Generated {
  readonly ids: readonly number[]
  readonly after: DecodeState
  /** Whether an end token came, which is not among the ids. */
  readonly ended: boolean
}

/** Computes ids after a state; at least one. */
export async function feed(decoder: Decoder, ids: readonly number[], from: State): Promise<DecodeState> {
  let state = from
  let last: DecoderStep | undefined
  for (let at = 0; at < ids.length; at += prefillTokens) {
    last = await decoder.run([ids.slice(at, at + prefillTokens)], state, -1)
    state = last.state
  }
  return { state, logits: last!.logits.data as Float32Array }
}

/** Tokens one after another, until an end token or the limit. */
export async function generate(
  decoder: Decoder,
  codec: TextCodec,
  from: DecodeState,
  { limit, sampling, onToken }: GenerateOptions,
): Promise<Generated> {
  let after = from
  const ids: number[] = []
  while (ids.length < limit) {
    const logits = after.logits.subarray(0, codec.vocabSize) // ids beyond the tokenizer's are no tokens
    const id = sampling && sampling.temperature > 0 ? draw(logits, sampling) : likeliest(logits)
    if (codec.eos.includes(id)) return { ids, after, ended: true }
    ids.push(id)
    onToken?.(id)
    after = await feed(decoder, [id], after.state)
  }
  return { ids, after, ended: false }
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

/** A token with a chance of softmax(logits / temperature). */
function draw(logits: Float32Array, { random, temperature }: Sampling): number {
  const highest = logits[likeliest(logits)]!
  const weights = logits.map((x) => Math.exp((x - highest) / temperature))
  let left = random.uniform() * weights.reduce((a, b) => a + b, 0)
  for (let i = 0; i < weights.length; i++) if ((left -= weights[i]!) < 0) return i
  return logits.length - 1
}
