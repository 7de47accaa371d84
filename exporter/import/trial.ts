/** Runs an imported decoder before it may be served: whole, token by token, and in a batch. */
import { openDecoder, type Decoder, type State, type StateShape } from '../../runtime/decoder.ts'
import { difference } from '../verify.ts'
import { ImportError } from './import-error.ts'

/** Differences of logits, relative to the largest one. */
export interface Trial {
  /** Tokens of the trial. */
  readonly tokens: number
  /** All at once against one by one. */
  readonly tokenByToken: number
  /** Two rows together against each alone: 0 means the same bits. */
  readonly twoRows: number
}

const TOKENS = 24
/** Of models in float32, and of those whose inputs are rounded to 8 bits: a last bit decides how some are rounded. */
const TOLERANCE = { exact: 1e-3, rounded: 0.1 }

/** Throws ImportError where the graph gives numbers that are not finite, or others for the same tokens. */
export async function tryDecoder(
  file: string,
  state: readonly StateShape[],
  vocab: number,
  precision: keyof typeof TOLERANCE,
): Promise<Trial> {
  const decoder = await openDecoder(file, state)
  try {
    const ids = Array.from({ length: TOKENS }, (_, i) => (i * 7919 + 11) % vocab)
    const whole = numbers(await decoder.run([ids], decoder.start(1)))
    if (!whole.every((x) => Number.isFinite(x))) throw new ImportError('trial: expected finite logits, got others')
    const trial: Trial = {
      tokens: TOKENS,
      tokenByToken: difference(await oneByOne(decoder, ids), whole).relative,
      twoRows: await together(decoder, ids),
    }
    const most = TOLERANCE[precision]
    for (const name of ['tokenByToken', 'twoRows'] as const)
      if (!(trial[name] <= most))
        throw new ImportError(`trial: ${name}: expected logits within ${most}, got ${trial[name].toExponential(2)}`)
    return trial
  } finally {
    decoder.close()
  }
}

async function oneByOne(decoder: Decoder, ids: readonly number[]): Promise<Float32Array> {
  const out = new Float32Array(ids.length * decoder.vocab)
  let state: State = decoder.start(1)
  for (const [t, id] of ids.entries()) {
    const step = await decoder.run([[id]], state)
    out.set(numbers(step), t * decoder.vocab)
    state = step.state
  }
  return out
}

/** One token more for two rows of one length. */
async function together(decoder: Decoder, ids: readonly number[]): Promise<number> {
  const half = ids.length / 2
  const rows = [ids.slice(0, half), ids.slice(half)]
  const both = numbers(await decoder.run(rows, decoder.start(2)))
  const alone = new Float32Array(both.length)
  for (const [i, row] of rows.entries())
    alone.set(numbers(await decoder.run([row], decoder.start(1))), i * half * decoder.vocab)
  return difference(both, alone).relative
}

const numbers = ({ logits }: { readonly logits: { readonly data: unknown } }): Float32Array =>
  logits.data as Float32Array
