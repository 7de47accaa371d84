/** The types of numbers in GGUF files that can be read. */
import { SourceError } from '../contract.ts'
import { decodeBF16, decodeF16, decodeF32, decodeF64, type Decoder } from '../numbers.ts'
import * as legacy from './dequantize.ts'
import * as k from './dequantize-k.ts'

export interface GgmlType {
  readonly name: string
  /** Numbers of one block, and the bytes that it takes. */
  readonly block: number
  readonly bytes: number
  /** Whole blocks to float32, with the bits that llama.cpp's gguf package gives. */
  readonly decode: Decoder
}

/** By the number that a file has for each. */
const types: Readonly<Record<number, GgmlType>> = {
  0: { name: 'F32', block: 1, bytes: 4, decode: decodeF32 },
  1: { name: 'F16', block: 1, bytes: 2, decode: decodeF16 },
  2: { name: 'Q4_0', block: 32, bytes: 18, decode: legacy.q4_0 },
  3: { name: 'Q4_1', block: 32, bytes: 20, decode: legacy.q4_1 },
  6: { name: 'Q5_0', block: 32, bytes: 22, decode: legacy.q5_0 },
  7: { name: 'Q5_1', block: 32, bytes: 24, decode: legacy.q5_1 },
  8: { name: 'Q8_0', block: 32, bytes: 34, decode: legacy.q8_0 },
  10: { name: 'Q2_K', block: 256, bytes: 84, decode: k.q2K },
  11: { name: 'Q3_K', block: 256, bytes: 110, decode: k.q3K },
  12: { name: 'Q4_K', block: 256, bytes: 144, decode: k.q4K },
  13: { name: 'Q5_K', block: 256, bytes: 176, decode: k.q5K },
  14: { name: 'Q6_K', block: 256, bytes: 210, decode: k.q6K },
  20: { name: 'IQ4_NL', block: 32, bytes: 18, decode: legacy.iq4NL },
  23: { name: 'IQ4_XS', block: 256, bytes: 136, decode: k.iq4XS },
  28: { name: 'F64', block: 1, bytes: 8, decode: decodeF64 },
  30: { name: 'BF16', block: 1, bytes: 2, decode: decodeBF16 },
  39: { name: 'MXFP4', block: 32, bytes: 17, decode: legacy.mxfp4 },
}

/** Names of the other types, for the sentence that refuses them. */
const others: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  40: 'NVFP4',
  41: 'Q1_0',
}

/** Returns the type with a number; `where` names the tensor. Throws SourceError for one that cannot be read. */
export function ggmlType(number: number, where: string): GgmlType {
  const type = types[number]
  if (type) return type
  const known = Object.values(types).map(({ name }) => name)
  throw new SourceError(`${where}: has type ${others[number] ?? number}; can be read: ${known.join(', ')}`)
}
