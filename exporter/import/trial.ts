/** Runs an imported decoder before it may be served: whole, token by token, and in a batch. */
import { openDecoder, type StateShape } from '../../runtime/decoder.ts'
import { difference, tokenByToken, twoRows } from '../verify.ts'
import { ImportError } from './import-error.ts'

/** Differences of logits, relative to the largest one. */
export interface Trial {
  /** Tokens of the trial. */
  readonly tokens: number
  /** All at once against one by one. */
  readonly tokenByToken: number
  /** Two rows together against each alone: 0 means the same bits. */
  readonly twoRows: number
  /** Of an ONNX graph: as it is served against as it was published, and rows that were fed other numbers of tokens. */
  readonly asPublished?: number
  readonly ragged?: number
}

const TOKENS = 24
/** Of models in float32, and of those whose inputs are rounded to 8 bits: a last bit decides how some are rounded. */
export const TOLERANCE = { exact: 1e-3, rounded: 0.1 }

export const trialIds = (vocab: number): number[] => Array.from({ length: TOKENS }, (_, i) => (i * 7919 + 11) % vocab)

/** Throws ImportError where the graph gives numbers that are not finite, or others for the same tokens. */
export async function tryDecoder(
  file: string,
  state: readonly StateShape[],
  vocab: number,
  precision: keyof typeof TOLERANCE,
): Promise<Trial> {
  const decoder = await openDecoder(file, state)
  try {
    const ids = trialIds(vocab)
    const { logits } = await decoder.run([ids], decoder.start(1))
    const whole = logits.data as Float32Array
    if (!whole.every((x) => Number.isFinite(x))) throw new ImportError('trial: expected finite logits, got others')
    const trial: Trial = {
      tokens: TOKENS,
      tokenByToken: difference(await tokenByToken(decoder, ids), whole).relative,
      twoRows: (await twoRows(decoder, ids)).relative,
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
