/** The keeper's tokenizer as data sources see it, read by the same library as in the server. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import type { TextEncoder } from '../../trainer/data/encoder.ts'

const keeperFolder = join(import.meta.dirname, '../../trainer/tokenizer/keeper')

export function openEncoder(folder = keeperFolder): TextEncoder & { decode(ids: readonly number[]): string } {
  const tokenizer = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as {
    added_tokens: { id: number }[]
  }
  const config = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')) as { eos_token?: string }
  const special = new Tokenizer(tokenizer, config)
  const plain = new Tokenizer({ ...tokenizer, added_tokens: [] }, { ...config, added_tokens_decoder: {} })
  const withSpecial = (text: string): number[] => special.encode(text, { add_special_tokens: false }).ids
  return {
    vocabSize: Math.max(...tokenizer.added_tokens.map(({ id }) => id)) + 1,
    eos: config.eos_token === undefined ? [] : withSpecial(config.eos_token),
    encode: (text) => plain.encode(text, { add_special_tokens: false }).ids,
    encodeWithSpecial: withSpecial,
    decode: (ids) => special.decode([...ids], { skip_special_tokens: false }),
  }
}
