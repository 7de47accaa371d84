/** Tokenizers as Hugging Face files: tokenizer.json and tokenizer_config.json, with our chat template. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeText } from '../files.ts'

/** The special tokens of our chat format. */
export const chatTokens = ['<|user|>', '<|assistant|>', '<|system|>', '<|end|>'] as const

/** The two files, parsed. */
export interface TokenizerFiles {
  readonly tokenizer: TokenizerJson
  readonly config: Readonly<Record<string, unknown>>
}

/** The parts of tokenizer.json that we write. */
export interface TokenizerJson {
  readonly version: '1.0'
  readonly truncation: null
  readonly padding: null
  readonly added_tokens: readonly AddedToken[]
  readonly normalizer: null
  readonly pre_tokenizer: object | null
  readonly post_processor: null
  readonly decoder: object
  readonly model: BpeModel
}

export interface BpeModel {
  readonly type: 'BPE'
  readonly dropout: null
  readonly unk_token: null
  readonly continuing_subword_prefix: null
  readonly end_of_word_suffix: null
  readonly fuse_unk: false
  readonly byte_fallback: false
  readonly ignore_merges: false
  readonly vocab: Readonly<Record<string, number>>
  readonly merges: readonly (readonly [string, string])[]
}

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly single_word: false
  readonly lstrip: false
  readonly rstrip: false
  readonly normalized: false
  readonly special: true
}

/** What a tokenizer is made of; ids go to the symbols, then to the merges, then to the special tokens. */
export interface TokenizerParts {
  readonly symbols: readonly string[]
  readonly merges: readonly (readonly [string, string])[]
  readonly special: readonly string[]
  readonly preTokenizer: object | null
  readonly decoder: object
}

/** Thrown when a tokenizer cannot be made from what was given. */
export class TokenizerError extends Error {
  override name = 'TokenizerError' as const
}

/**
 * How text is cut before merging: words with the space before them, every digit by itself, punctuation, white space.
 * Digits stand alone so that numbers and codes are read and copied sign by sign. White space is named by its Unicode
 * property, because \s means different signs to JavaScript and to the native library.
 */
export const wordPattern =
  "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+|\\p{N}| ?[^\\p{White_Space}\\p{L}\\p{N}]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+"

/** The pre-tokenizer of our byte-level tokenizers. */
export const byteLevelPreTokenizer = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: wordPattern }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  ],
} as const

/** Cuts between all characters. */
export const characterPreTokenizer = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  ],
} as const

/** The decoder of our byte-level tokenizers. */
export const byteLevelDecoder = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: false,
  use_regex: false,
} as const

/** The chat format: <|user|>CONTENT<|end|><|assistant|>CONTENT<|end|>; a developer message is a system message. */
const chatTemplate =
  "{% for message in messages %}{{ '<|' + ('system' if message['role'] == 'developer' else message['role']) + '|>' }}" +
  "{{ message['content'] }}{{ '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"

/** tokenizer.json and its configuration. */
export function assembleTokenizer(parts: TokenizerParts): TokenizerFiles {
  // Two merges may make the same token
  const tokens = [...new Set([...parts.symbols, ...parts.merges.map(([left, right]) => left + right)])]
  const known = new Set(tokens)
  for (const token of parts.special) {
    if (known.has(token)) throw new TokenizerError(`special token ${token}: it is already a token of the text`)
    known.add(token)
  }
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const added = parts.special.map((content, i) => addedToken(content, tokens.length + i))
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: parts.preTokenizer,
      post_processor: null,
      decoder: parts.decoder,
      model: bpeModel(vocab, parts.merges),
    },
    config: tokenizerConfig(added),
  }
}

/** A BPE model as tokenizer.json has it. */
function bpeModel(vocab: BpeModel['vocab'], merges: BpeModel['merges']): BpeModel {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab,
    merges,
  }
}

/** Writes both files into a folder, which is made when it is not there. */
export async function writeTokenizer(folder: string, files: TokenizerFiles): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeText(join(folder, 'tokenizer.json'), `${JSON.stringify(files.tokenizer)}\n`)
  await writeText(join(folder, 'tokenizer_config.json'), `${JSON.stringify(files.config, null, 2)}\n`)
}

function addedToken(content: string, id: number): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
}

function tokenizerConfig(added: readonly AddedToken[]): Record<string, unknown> {
  const names = added.map(({ content }) => content)
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    ...(names.includes('<|end|>') ? { eos_token: '<|end|>', pad_token: '<|end|>' } : {}),
    ...(chatTokens.every((token) => names.includes(token)) ? { chat_template: chatTemplate } : {}),
  }
}
