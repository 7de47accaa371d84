/** How byte-level BPE tokenizers cut text before merging, by the names that llama.cpp gives to them. */

export interface PreTokenizer {
  /** Applied one after another: each cuts the pieces of the one before. */
  readonly patterns: readonly string[]
  /** Unicode form of the text before it is cut, as in the models' own tokenizer.json. */
  readonly normalizer?: 'NFC'
  /** A piece that is a token is not merged. */
  readonly ignoreMerges?: boolean
  /** Whether a text begins with the BOS token where the file does not say it. */
  readonly addBos?: boolean
}

const CONTRACTIONS = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
const GPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`
const MARKS_AND_SPACES = ` ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
const LLAMA3 = `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${MARKS_AND_SPACES}`
const QWEN2 = `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${MARKS_AND_SPACES}`
const QWEN35 =
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}` +
  `| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`

const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'
const LEAD = '[^\\r\\n\\p{L}\\p{N}]?'
const AFTER_WORDS = ` ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
const TEKKEN = `${LEAD}${UPPER}*${LOWER}+|${LEAD}${UPPER}+${LOWER}*|\\p{N}|${AFTER_WORDS}`
const WORD = `${LEAD}${UPPER}*${LOWER}+${CONTRACTIONS}?|${LEAD}${UPPER}+${LOWER}*${CONTRACTIONS}?`
const GPT4O = `${WORD}|\\p{N}{1,3}|${AFTER_WORDS}`

const NOT_HAN = '(?!\\p{Script=Han})'
const KIMI =
  `\\p{Script=Han}+|${LEAD}(?:${NOT_HAN}${UPPER})*(?:${NOT_HAN}${LOWER})+${CONTRACTIONS}?` +
  `|${LEAD}(?:${NOT_HAN}${UPPER})+(?:${NOT_HAN}${LOWER})*${CONTRACTIONS}?|\\p{N}{1,3}|${MARKS_AND_SPACES}`

const ASCII_MARKS = '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]'
const DEEPSEEK3 =
  `${ASCII_MARKS}[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*` +
  `|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`

const gpt2: PreTokenizer = { patterns: [GPT2] }
/** Each digit by itself, then as GPT-2. */
const digits: PreTokenizer = { patterns: ['\\p{N}', GPT2] }
const llama3: PreTokenizer = { patterns: [LLAMA3], ignoreMerges: true, addBos: true }
const llama3Merged: PreTokenizer = { patterns: [LLAMA3] }
const qwen2: PreTokenizer = { patterns: [QWEN2], normalizer: 'NFC' }
const qwen2Plain: PreTokenizer = { patterns: [QWEN2] }
const gpt4o: PreTokenizer = { patterns: [GPT4O] }

const byName: readonly (readonly [string, PreTokenizer])[] = [
  ['llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2', llama3],
  ['dbrx smaug-bpe glm4 chatglm-bpe', llama3Merged],
  ['qwen2 deepseek-r1-qwen kormo f2llmv2', qwen2],
  ['qwen35', { patterns: [QWEN35], normalizer: 'NFC' }],
  ['stablelm2 hunyuan solar-open megrez grok-2', qwen2Plain],
  ['gpt-2 phi-2 gigachat a.x-4.0 mellum mpt olmo jais trillion granite-docling exaone4', gpt2],
  ['smollm starcoder refact command-r codeshell exaone minerva-7b mellum2', digits],
  ['tekken', { patterns: [TEKKEN], ignoreMerges: true, addBos: true }],
  ['gpt-4o llama4 kanana2 minimax-m2', gpt4o],
  ['kimi-k2', { patterns: [KIMI] }],
  ['deepseek-v3 hunyuan-dense joyai-llm', { patterns: ['\\p{N}{1,3}', '[一-龥\u3040-ゟ゠-ヿ]+', DEEPSEEK3] }],
  ['deepseek-coder', { patterns: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', '[一-龥ࠀ-一가-\uD7FF]+', '\\p{N}'] }],
  ['falcon', { patterns: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2, '[0-9][0-9][0-9]'] }],
  ['default', { patterns: ['[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2, '\\p{N}+', '[0-9][0-9][0-9]'] }],
]

/** By the value of tokenizer.ggml.pre. */
export const preTokenizers: ReadonlyMap<string, PreTokenizer> = new Map(
  byName.flatMap(([names, pre]) => names.split(' ').map((name) => [name, pre] as const)),
)
