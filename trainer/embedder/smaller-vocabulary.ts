/** The WordPiece tokenizer of a published encoder with its commonest tokens and those of
 * given texts only: all others are spelled by those. */
import type { TokenizerFiles } from '../../runtime/tokenizer-files.ts'

/** Special tokens of BERT that are kept, in their order: padding is 0. */
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'] as const
const UNUSED = /^\[(?:unused\d+|CLS|SEP|PAD|UNK|MASK)\]$/

export interface SmallerTokenizer {
  readonly files: TokenizerFiles
  /** The tokens by their new ids. */
  readonly tokens: readonly string[]
}

/**
 * Keeps every token of one character, those that `isNeeded` and, of the others, those of lowest ids (BERT's vocabulary is
 * ordered by frequency), `size` in all. Single texts get no special tokens; two texts are joined by [SEP].
 */
export function smallerTokenizer(
  { tokenizer, config }: TokenizerFiles,
  size: number,
  isNeeded: (token: string) => boolean = () => false,
): SmallerTokenizer {
  const published = tokenizer as { readonly model: { readonly type: string; readonly vocab: Record<string, number> } }
  if (published.model.type !== 'WordPiece')
    throw new RangeError(`tokenizer.json: expected a WordPiece model, got ${published.model.type}`)
  const order = Object.entries(published.model.vocab).toSorted(([, a], [, b]) => a - b)
  const all = order.map(([token]) => token).filter((token) => !UNUSED.test(token))
  const isLetter = (token: string): boolean => /^(?:##)?.$/u.test(token)
  const letters = new Set(all.filter(isLetter))
  const room = size - SPECIAL.length - letters.size
  const longer = all.filter((token) => !letters.has(token))
  const wanted = [...longer.filter(isNeeded), ...longer.filter((token) => !isNeeded(token))]
  const words = new Set(wanted.slice(0, room))
  const tokens = [...SPECIAL, ...all.filter((token) => letters.has(token) || words.has(token))]
  const added = SPECIAL.map((content, id) => ({ id, content, special: true, normalized: false, ...EDGES }))
  const files = {
    tokenizer: {
      ...tokenizer,
      truncation: null,
      padding: null,
      added_tokens: added,
      post_processor: joined(),
      model: { ...published.model, vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) },
    },
    config: { ...config, mask_token: undefined },
  }
  return { files, tokens }
}

const EDGES = { single_word: false, lstrip: false, rstrip: false }

function joined(): object {
  const text = (id: 'A' | 'B', type: number) => ({ Sequence: { id, type_id: type } })
  return {
    type: 'TemplateProcessing',
    single: [text('A', 0)],
    pair: [text('A', 0), { SpecialToken: { id: '[SEP]', type_id: 0 } }, text('B', 1)],
    special_tokens: { '[SEP]': { id: '[SEP]', ids: [SPECIAL.indexOf('[SEP]')], tokens: ['[SEP]'] } },
  }
}
