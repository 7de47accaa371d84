/** What every source of a published model gives: configuration, tensors by their published names, tokenizer. */

/** A source cannot be read, or is refused; the message says where, what was expected and what was found. */
export class SourceError extends Error {
  override name = 'SourceError' as const
}

/** The tensors of a published model by their published (transformers) names, read when they are asked for. */
export interface TensorSource {
  readonly names: readonly string[]
  /** Row-major, outermost first. */
  shape(name: string): readonly number[]
  /** The values as float32; only this tensor is in memory. */
  read(name: string): Promise<Float32Array>
  /** Rows [from, to) of the first axis, as float32: for streaming of large tables. */
  readRows(name: string, from: number, to: number): Promise<Float32Array>
  /**
   * The 4- and 8-bit blocks as the file holds them (Q4_0, Q4_1, Q4_K, Q8_0), rows already in the published order;
   * undefined where the tensor is stored otherwise.
   */
  blocks(name: string): Promise<QuantBlocks | undefined>
  /** In which blocks the tensor is stored, known without reading; null where it is not in blocks. */
  blockKind(name: string): BlockKind | null
  close(): Promise<void>
}

/** `other`: in blocks that cannot be kept as they are. */
export type BlockKind = 'Q4_0' | 'Q4_1' | 'Q4_K' | 'Q8_0' | 'other'

/** Blocks of 32 weights along the last axis: w = scale * q + minimum, with q unsigned and `bits` wide. */
export interface QuantBlocks {
  readonly bits: 4 | 8
  /** The product of all axes but the last. */
  readonly rows: number
  readonly columns: number
  /** One number a byte, row-major. */
  readonly q: Uint8Array
  /** rows * columns / 32 numbers, row-major. */
  readonly scale: Float32Array
  /** As many as scales. Q4_0 has -8 scales, Q8_0 has -128 scales. */
  readonly minimum: Float32Array
}

export interface ModelSource {
  /** One line for logs and the manifest: what it is and where from. */
  readonly about: string
  /** As a transformers config.json; wrapper configurations are left as they are. */
  readonly config: Readonly<Record<string, unknown>>
  /** As generation_config.json; {} where there is none. */
  readonly generation: Readonly<Record<string, unknown>>
  readonly tensors: TensorSource
  /** The contents of tokenizer.json and tokenizer_config.json; the config holds chat_template. Null: has no tokenizer. */
  readonly tokenizer: TokenizerContents | null
}

export interface TokenizerContents {
  readonly tokenizer: object
  readonly config: object
}
