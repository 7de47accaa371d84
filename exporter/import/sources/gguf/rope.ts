/** Rotary positions: the base and the scaling that a GGUF file states, as transformers' rope_parameters. */
import { SourceError } from '../contract.ts'
import type { Config } from './fields.ts'
import { readTensor } from './mapped-tensors.ts'
import type { GgufModel } from './model.ts'

const FREQUENCIES = 'rope_freqs.weight'
/** What all published Llama 3 models have; a file holds only what follows from it. */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4 }
/** First what they were trained with, then any power of two that a smaller one may have been. */
const ORIGINAL_LENGTHS = [8192, ...Array.from({ length: 17 }, (_, i) => 2 ** (i + 4))]

interface Llama3Scaling {
  readonly rope_type: 'llama3'
  readonly factor: number
  readonly low_freq_factor: number
  readonly high_freq_factor: number
  readonly original_max_position_embeddings: number
}

/** Throws SourceError for a scaling that is not known. */
export async function ropeParameters(model: GgufModel): Promise<Config> {
  const base = { rope_theta: model.number('rope.freq_base', 10_000) }
  if (model.has(FREQUENCIES)) return { ...base, ...(await llama3Scaling(model, base.rope_theta)) }
  const type = model.text('rope.scaling.type') ?? 'none'
  if (type === 'none') return { ...base, rope_type: 'default' }
  const factor = model.number('rope.scaling.factor')
  if (type === 'linear') return { ...base, rope_type: 'linear', factor }
  if (type !== 'yarn') throw model.wrong('rope.scaling.type', 'none, linear or yarn', type)
  const optional = {
    attention_factor: 'rope.scaling.attn_factor',
    beta_fast: 'rope.scaling.yarn_beta_fast',
    beta_slow: 'rope.scaling.yarn_beta_slow',
  }
  return {
    ...base,
    rope_type: 'yarn',
    factor,
    original_max_position_embeddings: model.number('rope.scaling.original_context_length'),
    ...Object.fromEntries(
      Object.entries(optional).flatMap(([name, key]) => {
        const value = model.number(key, NaN)
        return Number.isNaN(value) ? [] : [[name, value]]
      }),
    ),
  }
}

/** The scaling whose divisors of the frequencies are those in the file; it does not have the scaling itself. */
async function llama3Scaling(model: GgufModel, theta: number): Promise<Llama3Scaling> {
  const divisors = await readTensor(model.tensor(FREQUENCIES))
  const factor = Math.max(...divisors)
  const candidates = ORIGINAL_LENGTHS.map((length): Llama3Scaling => ({
    rope_type: 'llama3',
    factor,
    ...LLAMA3,
    original_max_position_embeddings: length,
  }))
  const found = candidates.find((scaling) =>
    divisors.every((divisor, i) => {
      const expected = llama3Divisor(scaling, theta ** (i / divisors.length))
      return Math.abs(divisor - expected) <= 1e-4 * divisor
    }),
  )
  if (found) return found
  throw new SourceError(
    `${model.file.path}: tensor ${FREQUENCIES}: expected the frequencies of Llama 3's scaling, got others`,
  )
}

function llama3Divisor(scaling: Llama3Scaling, period: number): number {
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: length } = scaling
  const wavelength = 2 * Math.PI * period
  if (wavelength < length / high) return 1
  if (wavelength > length / low) return factor
  const smooth = (length / wavelength - low) / (high - low)
  return 1 / ((1 - smooth) / factor + smooth)
}
