/** Holds a decoder graph to the trainer's own numbers before it may be served. */
import { type Decoder, openDecoder, type State } from '../runtime/decoder.ts'
import type { DecoderGraph } from './decoder.ts'

/** The largest difference to the trainer's logits that is let through, relative to the largest logit. */
export const TOLERANCE = 1e-4

export class VerificationError extends Error {
  override name = 'VerificationError' as const
}

/** The definition itself, run by another backend: one row of ids -> logits of all positions, [time * vocab]. */
export interface Reference {
  readonly name: string
  logits(ids: readonly number[]): Promise<Float32Array>
}

export interface Difference {
  readonly absolute: number
  /** To the largest expected number. */
  readonly relative: number
}

export interface Verification {
  readonly tokens: number
  /** Tokens to which `inPieces` looks. */
  readonly length: number
  readonly reference: string
  readonly againstReference: Difference
  /** All at once against one token at a time. */
  readonly tokenByToken: Difference
  /** Two rows against each alone: 0 means the same bits. */
  readonly twoRows: Difference
  /** Pieces of 64, as the server reads a prompt, against one token at a time, over `length` tokens of one session. */
  readonly inPieces: Difference
  readonly tolerance: number
}

/** Tokens of a piece of a prompt. */
const PIECE = 64

/**
 * Runs the graph on real ids (at least 2), and on `length` tokens of these ids over and over: rounding that a memory
 * magnifies from token to token is seen late. Throws VerificationError where a difference is too large.
 */
export async function verify(
  graph: DecoderGraph,
  reference: Reference,
  ids: readonly number[],
  length: number,
): Promise<Verification> {
  const decoder = await openDecoder(graph.bytes, graph.state)
  try {
    const whole = floats((await decoder.run([ids], decoder.start(1))).logits)
    const found: Verification = {
      tokens: ids.length,
      length,
      reference: reference.name,
      againstReference: difference(whole, await reference.logits(ids)),
      tokenByToken: difference(await tokenByToken(decoder, ids), whole),
      twoRows: await twoRows(decoder, ids),
      inPieces: await inPieces(decoder, ids, length),
      tolerance: TOLERANCE,
    }
    for (const name of ['againstReference', 'tokenByToken', 'twoRows'] as const)
      if (!(found[name].relative <= TOLERANCE))
        throw new VerificationError(
          `${name}: expected logits within ${TOLERANCE} of the largest one, got ${found[name].relative.toExponential(2)}`,
        )
    if (!(found.inPieces.relative <= TOLERANCE))
      throw new VerificationError(
        `inPieces: within ${length} tokens, the logits of a session come to depend on how its tokens are fed, in pieces of ${PIECE} ` +
          `or one by one, by ${found.inPieces.relative.toExponential(2)} of the largest one (expected at most ${TOLERANCE}): ` +
          `the model's memory magnifies rounding; for sessions that stay shorter, verify a smaller --length`,
      )
    return found
  } finally {
    decoder.close()
  }
}

/** One line for each measurement. */
export const verificationText = (v: Verification): string =>
  [
    `${v.tokens} tokens of real text, ${v.length} of them over and over in pieces; largest difference of the logits (absolute, relative; at most ${v.tolerance} relative)`,
    ...(['againstReference', 'tokenByToken', 'twoRows', 'inPieces'] as const).map((name) => {
      const title = {
        againstReference: `against ${v.reference}`,
        tokenByToken: 'whole against token by token',
        twoRows: 'two rows against one',
        inPieces: `pieces of ${PIECE}, ${v.length} tokens`,
      }
      return `  ${title[name].padEnd(30)} ${v[name].absolute.toExponential(2)}  ${v[name].relative.toExponential(2)}`
    }),
  ].join('\n')

/** The logits of all ids, fed one by one. */
export async function tokenByToken(decoder: Decoder, ids: readonly number[]): Promise<Float32Array> {
  const out = new Float32Array(ids.length * decoder.vocab)
  let state: State = decoder.start(1)
  for (const [t, id] of ids.entries()) {
    const step = await decoder.run([[id]], state)
    out.set(floats(step.logits), t * decoder.vocab)
    state = step.state
  }
  return out
}

/** The largest difference of `length` tokens, the ids over and over; only the logits of one piece are held. */
async function inPieces(decoder: Decoder, ids: readonly number[], length: number): Promise<Difference> {
  let [pieces, singles] = [decoder.start(1), decoder.start(1)]
  let [absolute, largest] = [0, 0]
  for (let at = 0; at < length; at += PIECE) {
    const piece = Array.from({ length: Math.min(PIECE, length - at) }, (_, i) => ids[(at + i) % ids.length]!)
    const whole = await decoder.run([piece], pieces)
    pieces = whole.state
    const expected = new Float32Array(piece.length * decoder.vocab)
    for (const [t, id] of piece.entries()) {
      const step = await decoder.run([[id]], singles)
      expected.set(floats(step.logits), t * decoder.vocab)
      singles = step.state
    }
    const found = difference(floats(whole.logits), expected)
    absolute = Math.max(absolute, found.absolute)
    largest = Math.max(largest, found.largest)
  }
  return differenceOf(absolute, largest)
}

/** Both halves of the ids as rows of one batch, against each alone. */
export async function twoRows(decoder: Decoder, ids: readonly number[]): Promise<Difference> {
  const half = Math.floor(ids.length / 2)
  const rows = [ids.slice(0, half), ids.slice(half, 2 * half)]
  const together = floats((await decoder.run(rows, decoder.start(2))).logits)
  const alone = new Float32Array(together.length)
  for (const [i, row] of rows.entries())
    alone.set(floats((await decoder.run([row], decoder.start(1))).logits), i * half * decoder.vocab)
  return difference(together, alone)
}

const floats = (t: { data: ArrayLike<unknown> }): Float32Array => t.data as unknown as Float32Array

const differenceOf = (absolute: number, largest: number): Difference => ({
  absolute,
  relative: absolute / Math.max(largest, 1e-6),
})

/** The largest difference, and the largest expected number; a NaN anywhere is infinitely different. */
export function difference(got: Float32Array, expected: Float32Array): Difference & { readonly largest: number } {
  let [absolute, largest] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(got[i]! - expected[i]!)
    absolute = Number.isNaN(distance) ? Infinity : Math.max(absolute, distance)
    largest = Math.max(largest, Math.abs(expected[i]!))
  }
  return { ...differenceOf(absolute, largest), largest }
}
