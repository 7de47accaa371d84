/** tokenizer.json of a GGUF file: byte-level BPE, or SentencePiece's BPE with byte fallback. */
import type { PreTokenizer } from './patterns.ts'
import { addedTokens, TokenType, type GgufToken, type GgufVocabulary } from './vocabulary.ts'

/** As GPT-2, Llama 3 and Qwen have it. */
export function byteLevelBpe(vocabulary: GgufVocabulary, pre: PreTokenizer): object {
  const split = (pattern: string): object => ({
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  })
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return {
    version: '1.0',
    added_tokens: addedTokens(vocabulary),
    normalizer: pre.normalizer ? { type: pre.normalizer } : null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...pre.patterns.map(split), byteLevel] },
    decoder: { ...byteLevel, add_prefix_space: true, use_regex: true },
    model: {
      type: 'BPE',
      byte_fallback: false,
      fuse_unk: false,
      ignore_merges: pre.ignoreMerges ?? false,
      vocab: idOfToken(vocabulary.tokens.filter(({ type }) => type === TokenType.normal)),
      merges: vocabulary.merges,
    },
  }
}

/**
 * As Llama 2 and Gemma have it; `spacePrefix` says whether a text gets a space in front. Files of Gemma 4 have merges, the
 * others scores alone.
 */
export function sentencePieceBpe(vocabulary: GgufVocabulary, spacePrefix: boolean, hasMerges = false): object {
  const pieces = vocabulary.tokens.filter(({ type }) => type !== TokenType.control)
  const unknown = vocabulary.tokens.find(({ type }) => type === TokenType.unknown)
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }
  const decoders = [
    { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ]
  return {
    version: '1.0',
    added_tokens: addedTokens(vocabulary),
    normalizer: {
      type: 'Sequence',
      normalizers: spacePrefix ? [{ type: 'Prepend', prepend: '\u2581' }, spaces] : [spaces],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: spacePrefix ? [...decoders, { type: 'Strip', content: ' ', start: 1, stop: 0 }] : decoders,
    },
    model: {
      type: 'BPE',
      unk_token: unknown?.text ?? null,
      byte_fallback: true,
      fuse_unk: true,
      ignore_merges: false,
      vocab: idOfToken(pieces),
      merges: hasMerges ? vocabulary.merges : mergesByScore(pieces),
    },
  }
}

/**
 * The file has a score for each piece in place of merges: every pair of pieces that makes a piece is one, the better
 * score first, then the longer left and right part (as transformers converts SentencePiece models).
 */
function mergesByScore(pieces: readonly GgufToken[]): [string, string][] {
  const known = idOfToken(pieces)
  const pairs = pieces.flatMap(({ text, score, type }) => {
    if (type !== TokenType.normal && type !== TokenType.userDefined) return []
    const letters = Array.from(text)
    return letters.slice(1).flatMap((_, i) => {
      const [left, right] = [letters.slice(0, i + 1).join(''), letters.slice(i + 1).join('')]
      const both = Object.hasOwn(known, left) && Object.hasOwn(known, right)
      return both ? [{ left, right, score, cut: i + 1, rest: letters.length - i - 1 }] : []
    })
  })
  pairs.sort((a, b) => b.score - a.score || b.cut - a.cut || b.rest - a.rest)
  return pairs.map(({ left, right }) => [left, right])
}

function idOfToken(tokens: readonly GgufToken[]): Record<string, number> {
  return Object.fromEntries(tokens.map(({ text, id }) => [text, id]))
}
