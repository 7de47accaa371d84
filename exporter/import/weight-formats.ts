/** In which form each matrix of an imported model is stored. */
import type { Bindings } from './bind.ts'
import { BLOCK } from './pack-blocks.ts'
import type { TensorSource } from './sources/source.ts'

/**
 * What an import does with the weights. `none`: all in float32. `int8`: matrices in blocks of 32. `int4`: in blocks of 64,
 * of 32 where a row is no multiple of 64, but embedding and head in 8 bits. `keep`: blocks of 4 and 8 bits are kept as the
 * file has them, blocks of other sizes become 8 bits, and what is not in blocks is float32.
 */
export const QUANTIZATIONS = ['none', 'int8', 'int4', 'keep'] as const
export type Quantization = (typeof QUANTIZATIONS)[number]

/** `exact`: 4-bit blocks with a minimum each, of which nothing is lost (Q4_1). */
export type WeightFormat = 'float32' | 'int8' | 'int4' | 'exact'

/** Matrices of fewer rows stay in float32: they are small, and gates and decays depend on their last bits. */
const FEWEST_ROWS = 64

const ROUTER = /\.(gate|router\.proj)\.weight$/
/** Tables of which rows are looked up, and the head. */
const LAYER_TABLE = 'embed_tokens_per_layer.weight'
const OUTER: ReadonlySet<string> = new Set(['embed_tokens.weight', LAYER_TABLE, 'lm_head.weight'])

export interface Formats {
  /** The form of a matrix (rows, columns) that is multiplied with, or of which rows are looked up. */
  of(path: string, rows: number, columns: number): WeightFormat
}

export function chooseFormats(quantization: Quantization, bindings: Bindings, tensors: TensorSource): Formats {
  return {
    of(path, rows, columns) {
      if (quantization === 'none' || columns % BLOCK !== 0) return 'float32'
      if (quantization === 'keep') return kept(path, bindings, tensors)
      if (rows < FEWEST_ROWS || ROUTER.test(path)) return 'float32'
      return OUTER.has(path) ? 'int8' : quantization
    },
  }
}

/** The form that loses nothing, or next to nothing, of what the file has. */
function kept(path: string, bindings: Bindings, tensors: TensorSource): WeightFormat {
  const binding = bindings.get(path)
  if (binding?.kind !== 'stacked') return 'float32'
  const kinds = new Set(binding.names.map((name) => tensors.blockKind(name)))
  const [kind] = kinds
  if (!kind) return 'float32'
  // Rows that are only looked up have no form in 4 bits.
  if (kinds.size !== 1 || path === LAYER_TABLE) return 'int8'
  return ({ Q4_0: 'int4', Q4_1: 'exact', Q4_K: 'exact', Q8_0: 'int8', other: 'int8' } as const)[kind]
}
