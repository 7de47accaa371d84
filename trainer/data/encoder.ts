/** The part of a tokenizer that data sources need; runtime/text.ts's TextCodec has it. */
export interface TextEncoder {
  readonly vocabSize: number
  readonly eos: readonly number[]
  /** Plain text: special tokens in it are not recognised. */
  encode(text: string): number[]
  encodeWithSpecial(text: string): number[]
}
