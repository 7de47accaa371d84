/** Frequencies of rotary position embeddings (Su et al. 2021, arXiv 2104.09864), and how published models stretch them. */
import { ConfigError, type Options } from '../config.ts'

export interface Rope {
  /** Radians that each pair of channels turns in one position. */
  readonly frequencies: readonly number[]
  /** Multiplied with cosines and sines. */
  readonly scale: number
}

/** `rope_parameters` of a published configuration. */
interface RopeParameters {
  readonly rope_type?: string
  readonly rope_theta?: number | null
  readonly partial_rotary_factor?: number
  readonly factor?: number | null
  readonly attention_factor?: number | null
  readonly original_max_position_embeddings?: number
  readonly low_freq_factor?: number
  readonly high_freq_factor?: number
  readonly beta_fast?: number | null
  readonly beta_slow?: number | null
  readonly mscale?: number | null
  readonly mscale_all_dim?: number | null
  readonly truncate?: boolean
}

const KNOWN: ReadonlySet<string> = new Set(
  `rope_type rope_theta partial_rotary_factor factor attention_factor original_max_position_embeddings low_freq_factor
   high_freq_factor beta_fast beta_slow mscale mscale_all_dim truncate max_position_embeddings`.split(/\s+/),
)

/** Sections of an image's positions, which are equal for text; and what the family that has it reads itself. */
const READ_ELSEWHERE: ReadonlySet<string> = new Set(['mrope_section', 'mrope_interleaved', 'llama_4_scaling_beta'])

const KINDS: readonly string[] = ['default', 'linear', 'llama3', 'yarn', 'proportional']

/**
 * The frequencies that `parameters` say for heads of `channels`; null where there is no rotation. Throws ConfigError for
 * a parameter or a kind that is not known.
 */
export function ropeOf(owner: string, parameters: Options, channels: number, maxPositions: number): Rope | null {
  const p = parameters as RopeParameters
  const [base, kind] = [p.rope_theta ?? 10_000, p.rope_type ?? 'default']
  if (!KINDS.includes(kind))
    throw new ConfigError(`${owner}.rope_parameters.rope_type: expected one of ${KINDS.join(', ')}, got ${kind}`)
  for (const name of Object.keys(parameters))
    if (!KNOWN.has(name) && !READ_ELSEWHERE.has(name))
      throw new ConfigError(`${owner}.rope_parameters.${name}: is not supported`)
  if (p.rope_theta === null) return null
  const rotated = Math.floor(channels * (p.partial_rotary_factor ?? 1))
  const plain = powers(base, rotated, rotated)
  if (kind === 'default') return { frequencies: plain, scale: 1 }
  if (kind === 'linear') return { frequencies: plain.map((x) => x / factorOf(owner, p)), scale: 1 }
  if (kind === 'llama3') return { frequencies: llama3(owner, p, plain), scale: 1 }
  if (kind === 'yarn') return yarn(owner, p, plain, base, maxPositions)
  return { frequencies: proportional(p, base, channels, rotated), scale: 1 }
}

/** base^(-2i/of) for the pairs of `rotated` channels. */
const powers = (base: number, rotated: number, of: number): number[] =>
  Array.from({ length: Math.floor(rotated / 2) }, (_, i) => base ** ((-2 * i) / of))

function factorOf(owner: string, { factor }: RopeParameters): number {
  if (typeof factor !== 'number') throw new ConfigError(`${owner}.rope_parameters.factor: expected a number, got none`)
  return factor
}

/** Slow frequencies are divided by the factor, fast ones are kept, those between are blended (Llama 3.1). */
function llama3(owner: string, p: RopeParameters, plain: readonly number[]): number[] {
  const factor = factorOf(owner, p)
  const { low_freq_factor: low = 1, high_freq_factor: high = 4, original_max_position_embeddings: length = 8192 } = p
  return plain.map((frequency) => {
    const turns = (length * frequency) / (2 * Math.PI) // in the context of pre-training
    if (turns > high) return frequency
    if (turns < low) return frequency / factor
    const blend = (turns - low) / (high - low)
    return ((1 - blend) * frequency) / factor + blend * frequency
  })
}

/** YaRN (Peng et al. 2023, arXiv 2309.00071): as llama3, with a ramp over the index of the pair. */
function yarn(owner: string, p: RopeParameters, plain: readonly number[], base: number, maxPositions: number): Rope {
  const original = p.original_max_position_embeddings
  if (original === undefined)
    throw new ConfigError(`${owner}.rope_parameters.original_max_position_embeddings: expected a number, got none`)
  const factor = p.factor ?? maxPositions / original
  const width = 2 * plain.length
  const pair = (turns: number): number => (width * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(base))
  const whole = p.truncate ?? true
  const [fast, slow] = [pair(p.beta_fast ?? 32), pair(p.beta_slow ?? 1)]
  const low = Math.max(0, whole ? Math.floor(fast) : fast)
  const high = Math.min(width - 1, whole ? Math.ceil(slow) : slow)
  const span = low === high ? 0.001 : high - low
  const frequencies = plain.map((frequency, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / span))
    return (frequency / factor) * stretched + frequency * (1 - stretched)
  })
  return { frequencies, scale: p.attention_factor ?? yarnScale(factor, p) }
}

function yarnScale(factor: number, { mscale, mscale_all_dim: all }: RopeParameters): number {
  const of = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1)
  return mscale && all ? of(mscale) / of(all) : of(1)
}

/** The frequencies of the whole head, of which only the first part turns (Gemma 4). */
function proportional(p: RopeParameters, base: number, channels: number, rotated: number): number[] {
  const turning = powers(base, rotated, channels)
  const still = Array.from({ length: channels / 2 - turning.length }, () => 0)
  return [...turning, ...still].map((frequency) => frequency / (p.factor ?? 1))
}
