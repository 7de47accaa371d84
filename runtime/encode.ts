/** Text to ids by the tokenizer library, and what that leaves out of some tokenizers. */
import type { Tokenizer } from '@huggingface/tokenizers'
import type { TokenizerFile } from './tokenizer-files.ts'

/** CJK characters outside of the basic plane; the library puts spaces around those inside of it only. */
const RARE_CJK = /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu

/** Returns a function from text to ids, without the tokens of the post-processor. */
export function createEncoder(tokenizer: Tokenizer, file: TokenizerFile): (text: string) => number[] {
  const prepare = separatesCjk(file.normalizer) ? (text: string) => text.replaceAll(RARE_CJK, ' $& ') : undefined
  const fallback = bytesOfUnknown(file)
  return (text) => {
    const { ids, tokens } = tokenizer.encode(prepare ? prepare(text) : text, { add_special_tokens: false })
    return fallback ? ids.flatMap((id: number, i: number) => fallback(id, tokens[i] ?? '')) : ids
  }
}

/** Whether BERT's normalizer is among those of a tokenizer, and makes a word of each CJK character. */
function separatesCjk(normalizer: unknown): boolean {
  if (typeof normalizer !== 'object' || normalizer === null) return false
  const { type, handle_chinese_chars: separate, normalizers } = normalizer as Record<string, unknown>
  if (Array.isArray(normalizers)) return normalizers.some(separatesCjk)
  return type === 'BertNormalizer' && separate !== false
}

/** For Unigram models with byte fallback: the ids of the bytes of a stretch of text that has no token. */
function bytesOfUnknown({ model }: TokenizerFile): ((id: number, text: string) => number[]) | undefined {
  const { vocab, unk_id: unknown, type, byte_fallback: bytes } = model
  if (type !== 'Unigram' || bytes !== true || !Array.isArray(vocab)) return undefined
  const idOf = new Map(vocab.map(([token], id) => [token, id]))
  const byteIds = Array.from({ length: 256 }, (_, byte) => {
    const hex = byte.toString(16).toUpperCase().padStart(2, '0')
    return idOf.get(`<0x${hex}>`)
  })
  if (byteIds.includes(undefined)) return undefined
  return (id, text) => {
    if (id !== unknown || idOf.get(text) === unknown) return [id]
    return [...Buffer.from(text)].map((byte) => byteIds[byte]!)
  }
}
