/** A tokenizer for models that come without one: prompts are token ids, and a reply's text is their numbers. */
import type { TokenizerContents } from './sources/source.ts'

export function idTokenizer(vocab: number): TokenizerContents {
  const ids = Array.from({ length: vocab }, (_, id) => [`<${id}>`, id] as const)
  return {
    tokenizer: {
      version: '1.0',
      added_tokens: [],
      model: { type: 'BPE', vocab: Object.fromEntries(ids), merges: [] },
    },
    config: {},
  }
}
