/** The WordPiece tokenizer of a published encoder with its commonest tokens and those of
 * given texts only: all others are spelled by those. */
import type { TokenizerFiles } from '../../runtime/tokenizer-files.ts'

/** Special tokens of BERT that are kept, in their order: padding is 0. */
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'] as const
const UNUSED = /^\[(?:unused\d+|CLS|SEP|PAD|UNK|MASK)\]$/

export interface SmallerOptions {
  /** Tokens that stay, however rare they are. */
  readonly isNeeded?: (token: string) => boolean
  /** Whether texts stand between [CLS] and [SEP], as the published encoder reads them. */
  readonly framed?: boolean
}

export interface SmallerTokenizer {
  readonly files: TokenizerFiles
  /** The tokens by their new ids. */
  readonly tokens: readonly string[]
}

/**
 * Keeps every token of one character, those that `isNeeded` and, of the others, those of lowest ids (BERT's vocabulary is
 * ordered by frequency), `size` in all. Without a frame single texts get no special tokens, and two texts are joined by [SEP].
 */
export function smallerTokenizer(
  { tokenizer, config }: TokenizerFiles,
  size: number,
  { isNeeded = () => false, framed = false }: SmallerOptions = {},
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
      post_processor: framed ? framedTexts() : joinedTexts(),
      model: { ...published.model, vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) },
    },
    config: { ...config, mask_token: undefined },
  }
  return { files, tokens }
}

const EDGES = { single_word: false, lstrip: false, rstrip: false }

const text = (id: 'A' | 'B', type: number): object => ({ Sequence: { id, type_id: type } })
const special = (id: string, type: number): object => ({ SpecialToken: { id, type_id: type } })

const template = (single: readonly object[], pair: readonly object[], tokens: readonly (typeof SPECIAL)[number][]) => ({
  type: 'TemplateProcessing',
  single,
  pair,
  special_tokens: Object.fromEntries(tokens.map((id) => [id, { id, ids: [SPECIAL.indexOf(id)], tokens: [id] }])),
})

const joinedTexts = (): object => template([text('A', 0)], [text('A', 0), special('[SEP]', 0), text('B', 1)], ['[SEP]'])

function framedTexts(): object {
  const single = [special('[CLS]', 0), text('A', 0), special('[SEP]', 0)]
  return template(single, [...single, text('B', 1), special('[SEP]', 1)], ['[CLS]', '[SEP]'])
}
