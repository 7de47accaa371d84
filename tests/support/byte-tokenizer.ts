/** A byte-level tokenizer for tests: 256 bytes, no merges, and the special tokens of our own chat format. */
import type { TokenizerFiles } from '../../runtime/text.ts'

export const SPECIAL_TOKENS = ['<|user|>', '<|assistant|>', '<|system|>', '<|end|>'] as const

/** The chat template of our own models. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"

/** Returns the two files: id = byte, and 256 onwards for the special tokens, then those of `more`. */
export function byteTokenizer(more: readonly string[] = [], config: object = {}): TokenizerFiles {
  const vocab = Object.fromEntries(byteAlphabet().map((character, byte) => [character, byte]))
  const added = [...SPECIAL_TOKENS, ...more].map((content, index) => ({
    id: 256 + index,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: { type: 'BPE', vocab, merges: [], unk_token: null, byte_fallback: false, ignore_merges: false },
    },
    config: { eos_token: '<|end|>', chat_template: CHAT_TEMPLATE, ...config },
  }
}

/** Returns the 256 characters that stand for the bytes in a byte-level vocabulary, by byte. */
export function byteAlphabet(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    return String.fromCodePoint(printable ? byte : next++)
  })
}
