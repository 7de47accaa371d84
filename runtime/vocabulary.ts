/** A tokenizer in two forms: one that recognises special tokens in text, and one for which they are plain text. */
import { randomUUID } from 'node:crypto'
import { Tokenizer } from '@huggingface/tokenizers'
import { createEncoder } from './encode.ts'
import { TextError } from './errors.ts'
import { usePrecompiledMaps } from './precompiled.ts'
import type { AddedToken, ConfigFile, TokenizerFile } from './tokenizer-files.ts'

/** A piece of text whose special tokens count (a template's), or one in which they do not (a user's). */
export interface Segment {
  text: string
  trusted: boolean
}

export interface Vocabulary {
  /** One more than the highest id. */
  readonly size: number
  /** UTF-16 units of the longest token as it is written in tokenizer.json: at least those of its text. */
  readonly longestToken: number
  /** How tokens are put together again: the type of tokenizer.json's decoder. */
  readonly decoderType: string | undefined
  idOf(token: string): number | undefined
  tokenOf(id: number): string | undefined
  isSpecial(id: number): boolean
  /** Whether the id is an added token, whose text is written as it is. */
  isAdded(id: number): boolean
  encode(text: string): number[]
  encodeWithSpecial(text: string): number[]
  /**
   * Returns the ids of segments in a row, as if they were one text, with special tokens only where they are trusted.
   * `following` says whether a special token comes before them.
   */
  encodeSegments(segments: readonly Segment[], following: boolean): number[]
  /** Splits a text so that every second piece is a special token that is written in it. */
  splitSpecial(text: string): string[]
  /** Replaces all signs of special tokens, so that the text is no part of one. */
  withoutSpecialSigns(text: string): string
  decode(ids: readonly number[]): string
}

/** Returns the vocabulary of a tokenizer. Throws TextError if the tokenizer library cannot build it. */
export function createVocabulary(file: TokenizerFile, config: ConfigFile): Vocabulary {
  const special = file.added_tokens.filter((token) => token.special)
  const specialOf = new Map(special.map((token) => [token.content, token]))
  const specialIds = new Set(special.map(({ id }) => id))
  const addedIds = new Set(file.added_tokens.map((token) => token.id))
  // A text that follows a special token is encoded as one that does: some tokenizers treat the first piece differently.
  const marker = { id: sizeOf(file), content: randomUUID(), special: true, lstrip: false, rstrip: false }
  const full = build(file, config)
  const encodeFull = createEncoder(full, file)
  // Who only decodes needs no second tokenizer, which is as large as the first.
  const plain: { encode?: (text: string) => number[] } = {}
  const splitter = specialPattern(special)
  const signs = signPattern(special)

  const plainEncoder = () => {
    const plainFile = withoutSpecial(file, special, marker)
    return createEncoder(build(plainFile, config), plainFile)
  }
  const encode = (text: string, following: boolean): number[] => {
    if (text === '') return []
    plain.encode ??= plainEncoder()
    const ids = plain.encode(following ? marker.content + text : text)
    return following ? ids.slice(1) : ids
  }
  return {
    size: sizeOf(file),
    longestToken: longestOf(file),
    decoderType: file.decoder?.type,
    idOf: (token) => full.token_to_id(token),
    tokenOf: (id) => full.id_to_token(id),
    isSpecial: (id) => specialIds.has(id),
    isAdded: (id) => addedIds.has(id),
    encode: (text) => encode(text, false),
    encodeWithSpecial: (text) => (text === '' ? [] : encodeFull(text)),
    encodeSegments(segments, following) {
      const ids: number[] = []
      let run = ''
      let afterSpecial = following
      let stripped = false
      const add = (text: string): void => {
        const kept = stripped ? text.trimStart() : text
        stripped = stripped && kept === ''
        run += kept
      }
      const flush = (): void => {
        for (const id of encode(run, afterSpecial)) ids.push(id)
        run = ''
      }
      for (const { text, trusted } of segments) {
        const pieces = trusted ? text.split(splitter) : [text]
        for (const [index, piece] of pieces.entries()) {
          if (index % 2 === 0) {
            add(piece)
            continue
          }
          const token = specialOf.get(piece) as AddedToken
          // The token takes the spaces before and after it that its definition says, whoever wrote them.
          if (token.lstrip) run = run.trimEnd()
          flush()
          ids.push(token.id)
          afterSpecial = true
          stripped = token.rstrip
        }
      }
      flush()
      return ids
    },
    splitSpecial: (text) => text.split(splitter),
    withoutSpecialSigns: (text) => (signs ? text.replaceAll(signs, 'x') : text),
    decode: (ids) =>
      ids.length === 0 ? '' : full.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
  }
}

function build(file: TokenizerFile, config: ConfigFile): Tokenizer {
  try {
    const tokenizer = new Tokenizer(
      { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null, ...file },
      config,
    )
    usePrecompiledMaps(tokenizer)
    return tokenizer
  } catch (error) {
    throw new TextError(`tokenizer.json: expected a tokenizer that can be built, got ${String(error)}`, {
      cause: error,
    })
  }
}

// Without its special tokens among the added ones, and without them in the model's own vocabulary either: models that
// look up whole words or pieces would find them there. The unknown token stays, since models need it.
function withoutSpecial(file: TokenizerFile, special: readonly AddedToken[], marker: AddedToken): TokenizerFile {
  const { vocab, unk_token, unk_id, merges } = file.model
  const hidden = new Set(special.map((token) => token.content).filter((content) => content !== unk_token))
  const plainVocab = Array.isArray(vocab)
    ? vocab.map(([token, score], id): [string, number] =>
        hidden.has(token) && id !== unk_id ? [`${marker.content}${id}`, score] : [token, score],
      )
    : Object.fromEntries(Object.entries(vocab).filter(([token]) => !hidden.has(token)))
  return {
    ...file,
    added_tokens: [...file.added_tokens.filter((token) => !token.special), marker],
    model: {
      ...file.model,
      vocab: plainVocab,
      ...(merges && { merges: merges.filter((pair) => !hidden.has(joined(pair))) }),
    },
  }
}

// A merge is written as two tokens, or as one string with a space between them.
function joined(pair: string | string[]): string {
  return Array.isArray(pair) ? pair.join('') : pair.replace(' ', '')
}

function longestOf(file: TokenizerFile): number {
  const { vocab } = file.model
  const tokens = Array.isArray(vocab) ? vocab.map(([token]) => token) : Object.keys(vocab)
  const lengths = [...tokens, ...file.added_tokens.map(({ content }) => content)].map((token) => token.length)
  return lengths.reduce((longest, length) => Math.max(longest, length), 1)
}

function sizeOf(file: TokenizerFile): number {
  const { vocab } = file.model
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab)
  return ids.reduce((highest, id) => Math.max(highest, id), Math.max(-1, ...file.added_tokens.map(({ id }) => id))) + 1
}

// Splits text so that every second piece is a special token, the longest where several match.
function specialPattern(special: readonly AddedToken[]): RegExp {
  if (special.length === 0) return /(?!)/
  const sorted = [...special].toSorted((a, b) => b.content.length - a.content.length)
  return new RegExp(`(${sorted.map(({ content }) => escape(content)).join('|')})`, 'u')
}

// All characters of special tokens that are no part of a word: names of fields are words.
function signPattern(special: readonly AddedToken[]): RegExp | undefined {
  const signs = new Set(special.flatMap(({ content }) => content.match(/[^\p{L}\p{N}\s_-]/gu) ?? []))
  return signs.size === 0 ? undefined : new RegExp(`[${[...signs].map(escape).join('')}]`, 'gu')
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
