/** The tokens of a GGUF file's tokenizer, checked. */
import { SourceError } from '../../contract.ts'
import type { Metadata } from '../format.ts'

/** Values of tokenizer.ggml.token_type. */
export const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

export interface GgufToken {
  readonly id: number
  readonly text: string
  readonly type: number
  readonly score: number
}

export interface GgufVocabulary {
  /** Without those that only fill the vocabulary up. */
  readonly tokens: readonly GgufToken[]
  readonly merges: readonly string[]
}

/** Throws SourceError where lists are missing, too short or have a token twice. */
export function readVocabulary(metadata: Metadata, where: string): GgufVocabulary {
  const texts = list(metadata, 'tokens', where, 'string')
  if (!texts) throw new SourceError(`${where}: expected tokenizer.ggml.tokens, found none`)
  const types = list(metadata, 'token_type', where, 'number', texts.length)
  const scores = list(metadata, 'scores', where, 'number', texts.length)
  const merges = list(metadata, 'merges', where, 'string') ?? []
  const seen = new Map<string, number>()
  for (const [id, text] of texts.entries()) {
    const before = seen.get(text)
    if (before !== undefined)
      throw new SourceError(`${where}: tokenizer.ggml.tokens: ${before} and ${id} are both ${JSON.stringify(text)}`)
    seen.set(text, id)
  }
  const odd = merges.find((merge) => merge.split(' ').length !== 2)
  if (odd !== undefined)
    throw new SourceError(
      `${where}: tokenizer.ggml.merges: expected two tokens, got ${JSON.stringify(odd.slice(0, 80))}`,
    )
  const tokens = texts.map((text, id) => ({
    id,
    text,
    type: types?.[id] ?? TokenType.normal,
    score: scores?.[id] ?? 0,
  }))
  return { tokens: tokens.filter(({ type }) => type !== TokenType.unused), merges }
}

/** Returns the tokens that text is searched for before anything else, as tokenizer.json lists them. */
export function addedTokens({ tokens }: GgufVocabulary): object[] {
  const added: readonly number[] = [TokenType.unknown, TokenType.control, TokenType.userDefined]
  return tokens
    .filter(({ type }) => added.includes(type))
    .map(({ id, text, type }) => ({
      id,
      content: text,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: type !== TokenType.userDefined,
    }))
}

function list(metadata: Metadata, name: 'tokens' | 'merges', where: string, kind: 'string'): string[] | undefined
function list(metadata: Metadata, name: string, where: string, kind: 'number', length: number): number[] | undefined
function list(metadata: Metadata, name: string, where: string, kind: string, length = 0): unknown[] | undefined {
  const values = metadata.get(`tokenizer.ggml.${name}`)
  if (values === undefined) return undefined
  if (!Array.isArray(values) || values.length < length || values.some((value) => typeof value !== kind))
    throw new SourceError(`${where}: tokenizer.ggml.${name}: expected ${length === 0 ? '' : `${length} `}${kind}s`)
  return values as unknown[]
}
