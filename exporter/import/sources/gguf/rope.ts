/** Rotary positions: the base and the scaling that a GGUF file states, as transformers' rope_parameters. */
import { SourceError } from '../contract.ts'
import type { Config } from './fields.ts'
import { readTensor } from './mapping.ts'
import type { GgufModel } from './model.ts'

const FREQUENCIES = 'rope_freqs.weight'
/** What all published Llama 3 models have; a file holds only what follows from it. */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }

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

/** The divisors of the frequencies that such a scaling gives; the file has them, not the scaling itself. */
async function llama3Scaling(model: GgufModel, theta: number): Promise<Config> {
  const divisors = await readTensor(model.tensor(FREQUENCIES))
  const scaling = { rope_type: 'llama3', factor: Math.max(...divisors), ...LLAMA3 }
  const expected = divisors.map((_, i) => llama3Divisor(scaling, theta ** ((2 * i) / (2 * divisors.length))))
  if (divisors.some((divisor, i) => Math.abs(divisor - expected[i]!) > 1e-3 * divisor))
    throw new SourceError(
      `${model.file.path}: tensor ${FREQUENCIES}: expected the frequencies of Llama 3's scaling, got others`,
    )
  return scaling
}

function llama3Divisor(scaling: typeof LLAMA3 & { factor: number }, period: number): number {
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: length } = scaling
  const wavelength = 2 * Math.PI * period
  if (wavelength < length / high) return 1
  if (wavelength > length / low) return factor
  const smooth = (length / wavelength - low) / (high - low)
  return 1 / ((1 - smooth) / factor + smooth)
}
