/** tokenizer.json and tokenizer_config.json from the metadata of a GGUF file. */
import { SourceError, type TokenizerContents } from '../../contract.ts'
import type { Metadata } from '../format.ts'
import { byteLevelBpe, sentencePieceBpe } from './models.ts'
import { preTokenizers } from './patterns.ts'
import { readVocabulary, TokenType, type GgufToken, type GgufVocabulary } from './vocabulary.ts'

/** Control tokens that llama.cpp takes for the end of a reply, whatever the file says. */
const ENDS = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<end_of_turn>',
  '<turn|>',
  '<|endoftext|>',
  '<|eom_id|>',
  '<|end_of_text|>',
  '<EOT>',
  '_<EOT>',
])

export interface GgufTokenizer extends TokenizerContents {
  /** Ids that end a reply, the tokenizer's own first. */
  readonly ends: readonly number[]
}

/** Returns the tokenizer of a file; null if it has none. Throws SourceError for one that cannot be rebuilt. */
export function readTokenizer(metadata: Metadata, where: string): GgufTokenizer | null {
  const kind = metadata.get('tokenizer.ggml.model')
  if (kind === undefined || kind === 'no_vocab' || kind === 'none') return null
  const vocabulary = readVocabulary(metadata, where)
  const { json, addBos } = tokenizerOf(kind, vocabulary, metadata, where)
  const token = (name: string): GgufToken | undefined => {
    const id = metadata.get(`tokenizer.ggml.${name}_token_id`)
    return vocabulary.tokens.find((one) => one.id === id)
  }
  const bos = token('bos')
  const ends = endsOf(vocabulary, [token('eos'), token('eot'), token('eom')])
  const adds = flag(metadata, 'add_bos_token', addBos) && bos !== undefined
  const named = { bos_token: bos, pad_token: token('padding'), unk_token: token('unknown') }
  const texts = ends.map(({ text }) => text)
  const template = chatTemplate(metadata)
  const config = {
    ...Object.fromEntries(Object.entries(named).flatMap(([name, one]) => (one ? [[name, one.text]] : []))),
    ...(texts.length === 0 ? {} : { eos_token: texts.length === 1 ? texts[0] : texts }),
    add_bos_token: adds,
    add_eos_token: flag(metadata, 'add_eos_token', false),
    clean_up_tokenization_spaces: false,
    ...(template === undefined ? {} : { chat_template: template }),
  }
  const tokenizer = { ...json, post_processor: adds ? beginsWith(bos) : null }
  return { tokenizer, config, ends: ends.map(({ id }) => id) }
}

function tokenizerOf(
  kind: unknown,
  vocabulary: GgufVocabulary,
  metadata: Metadata,
  where: string,
): { json: object; addBos: boolean } {
  if (kind === 'llama')
    return { json: sentencePieceBpe(vocabulary, flag(metadata, 'add_space_prefix', true)), addBos: true }
  if (kind === 'gemma4') return { json: sentencePieceBpe(vocabulary, false, true), addBos: true }
  if (kind !== 'gpt2')
    throw new SourceError(`${where}: has a tokenizer of the kind ${String(kind)}; can be rebuilt: gpt2, llama, gemma4`)
  const name = String(metadata.get('tokenizer.ggml.pre') ?? 'default')
  const pre = preTokenizers.get(name)
  if (!pre)
    throw new SourceError(
      `${where}: cuts text as ${name} (tokenizer.ggml.pre); known: ${[...preTokenizers.keys()].join(', ')}`,
    )
  return { json: byteLevelBpe(vocabulary, pre), addBos: pre.addBos ?? false }
}

function endsOf({ tokens }: GgufVocabulary, named: readonly (GgufToken | undefined)[]): GgufToken[] {
  const known = tokens.filter(({ type, text }) => type === TokenType.control && ENDS.has(text))
  return [...new Set([...named.filter((token) => token !== undefined), ...known])]
}

function flag(metadata: Metadata, name: string, otherwise: boolean): boolean {
  const value = metadata.get(`tokenizer.ggml.${name}`)
  return typeof value === 'boolean' ? value : otherwise
}

/** The template, or a list of them by name where the file has several. */
function chatTemplate(metadata: Metadata): unknown {
  const template = metadata.get('tokenizer.chat_template')
  if (typeof template !== 'string') return undefined
  const prefix = 'tokenizer.chat_template.'
  const more = [...metadata].filter(([key]) => key.startsWith(prefix))
  if (more.length === 0) return template
  return [
    { name: 'default', template },
    ...more.map(([key, text]) => ({ name: key.slice(prefix.length), template: String(text) })),
  ]
}

function beginsWith({ id, text }: GgufToken): object {
  const special = { SpecialToken: { id: text, type_id: 0 } }
  return {
    type: 'TemplateProcessing',
    single: [special, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [special, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [text]: { id: text, ids: [id], tokens: [text] } },
  }
}
