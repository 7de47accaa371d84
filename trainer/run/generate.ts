/** Text from a decoder, outside the server: samples in reports, replies in evaluations. */
import type { Decoder, DecoderStep, State } from '../../runtime/decoder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import type { Random } from '../random.ts'

/** Tokens of a prompt fed at a time. */
const PIECE = 256

/** Where decoding stands: the session state, and the logits of what comes next. */
export interface DecodeState {
  readonly state: State
  readonly logits: Float32Array
}

/** Feeds ids after a state; at least one. */
export async function feed(decoder: Decoder, ids: readonly number[], from: State): Promise<DecodeState> {
  let state = from
  let last: DecoderStep | undefined
  for (let at = 0; at < ids.length; at += PIECE) {
    last = await decoder.run([ids.slice(at, at + PIECE)], state, -1)
    state = last.state
  }
  return { state, logits: last!.logits.data as Float32Array }
}

/** Up to `limit` ids, ended by an eos id that is not among them; greedy without a `random`, else sampled at its temperature. */
export async function generate(
  decoder: Decoder,
  codec: TextCodec,
  from: DecodeState,
  limit: number,
  sampling?: { readonly random: Random; readonly temperature: number },
): Promise<{ ids: number[]; after: DecodeState; ended: boolean }> {
  let after = from
  const ids: number[] = []
  while (ids.length < limit) {
    const id = sampling ? draw(after.logits, sampling) : argmax(after.logits)
    if (codec.eos.includes(id)) return { ids, after, ended: true }
    ids.push(id)
    after = await feed(decoder, [id], after.state)
  }
  return { ids, after, ended: false }
}

function argmax(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

function draw(logits: Float32Array, { random, temperature }: { random: Random; temperature: number }): number {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const powers = logits.map((x) => Math.exp((x - highest) / temperature))
  let left = random.uniform() * powers.reduce((a, b) => a + b, 0)
  for (let i = 0; i < powers.length; i++) if ((left -= powers[i]!) < 0) return i
  return logits.length - 1
}
