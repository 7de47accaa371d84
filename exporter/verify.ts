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
  readonly reference: string
  readonly againstReference: Difference
  /** All at once against one token at a time. */
  readonly tokenByToken: Difference
  /** Two rows against each alone: 0 means the same bits. */
  readonly twoRows: Difference
  readonly tolerance: number
}

/** Runs the graph on real ids (at least 2) and measures; throws VerificationError where a difference is too large. */
export async function verify(graph: DecoderGraph, reference: Reference, ids: readonly number[]): Promise<Verification> {
  const decoder = await openDecoder(graph.bytes, graph.state)
  try {
    const whole = floats((await decoder.run([ids], decoder.start(1))).logits)
    const found: Verification = {
      tokens: ids.length,
      reference: reference.name,
      againstReference: difference(whole, await reference.logits(ids)),
      tokenByToken: difference(await tokenByToken(decoder, ids), whole),
      twoRows: await twoRows(decoder, ids),
      tolerance: TOLERANCE,
    }
    for (const name of ['againstReference', 'tokenByToken', 'twoRows'] as const)
      if (!(found[name].relative <= TOLERANCE))
        throw new VerificationError(
          `${name}: expected logits within ${TOLERANCE} of the largest one, got ${found[name].relative.toExponential(2)}`,
        )
    return found
  } finally {
    decoder.close()
  }
}

/** One line for each measurement. */
export const verificationText = (v: Verification): string =>
  [
    `${v.tokens} tokens of real text, largest difference of the logits (absolute, relative; at most ${v.tolerance} relative)`,
    ...(['againstReference', 'tokenByToken', 'twoRows'] as const).map((name) => {
      const title = {
        againstReference: `against ${v.reference}`,
        tokenByToken: 'whole against token by token',
        twoRows: 'two rows against one',
      }
      return `  ${title[name].padEnd(30)} ${v[name].absolute.toExponential(2)}  ${v[name].relative.toExponential(2)}`
    }),
  ].join('\n')

async function tokenByToken(decoder: Decoder, ids: readonly number[]): Promise<Float32Array> {
  const out = new Float32Array(ids.length * decoder.vocab)
  let state: State = decoder.start(1)
  for (const [t, id] of ids.entries()) {
    const step = await decoder.run([[id]], state)
    out.set(floats(step.logits), t * decoder.vocab)
    state = step.state
  }
  return out
}

async function twoRows(decoder: Decoder, ids: readonly number[]): Promise<Difference> {
  const half = Math.floor(ids.length / 2)
  const rows = [ids.slice(0, half), ids.slice(half, 2 * half)]
  const together = floats((await decoder.run(rows, decoder.start(2))).logits)
  const alone = new Float32Array(together.length)
  for (const [i, row] of rows.entries())
    alone.set(floats((await decoder.run([row], decoder.start(1))).logits), i * half * decoder.vocab)
  return difference(together, alone)
}

const floats = (t: { data: ArrayLike<unknown> }): Float32Array => t.data as unknown as Float32Array

/** The largest difference; a NaN anywhere is infinitely different. */
export function difference(got: Float32Array, expected: Float32Array): Difference {
  let [absolute, largest] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(got[i]! - expected[i]!)
    absolute = Number.isNaN(distance) ? Infinity : Math.max(absolute, distance)
    largest = Math.max(largest, Math.abs(expected[i]!))
  }
  return { absolute, relative: absolute / Math.max(largest, 1e-6) }
}
