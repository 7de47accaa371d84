/** Names and sizes of a decoder's inputs and outputs, as configurations say them. */
import { SourceError } from '../sources/contract.ts'
import type { PortHints } from './decoder-ports.ts'

type Json = Readonly<Record<string, unknown>>

/** What transformers.js takes for granted, with sizes from config.json. */
export function publishedHints(config: Json): PortHints {
  const heads = countOf(config['num_attention_heads']) ?? countOf(config['n_head'])
  const hidden = countOf(config['hidden_size']) ?? countOf(config['n_embd'])
  const perHead = heads !== undefined && hidden !== undefined ? hidden / heads : undefined
  return {
    ids: 'input_ids',
    mask: 'attention_mask',
    positions: 'position_ids',
    logits: 'logits',
    state: [],
    vocab: countOf(config['vocab_size']),
    heads: countOf(config['num_key_value_heads']) ?? heads,
    channels: countOf(config['head_dim']) ?? perHead,
  }
}

/** The names in genai_config.json; those that it leaves out are onnxruntime-genai's defaults (src/config.h). */
export function genaiHints(model: Json, config: Json): PortHints {
  const decoder = model['decoder'] as Json | undefined
  if (!decoder) throw new SourceError('genai_config.json: expected model.decoder, got none')
  const inputs = (decoder['inputs'] ?? {}) as Json
  const outputs = (decoder['outputs'] ?? {}) as Json
  const published = publishedHints(config)
  const name = (from: Json, key: string, otherwise: string): string => {
    const value = from[key] ?? otherwise
    if (typeof value === 'string') return value
    throw new SourceError(`genai_config.json: decoder: ${key}: expected a name, got ${JSON.stringify(value)}`)
  }
  const pair = (past: string, present: string, [before, after]: readonly [string, string]) =>
    [name(inputs, past, before), name(outputs, present, after)] as const
  return {
    ids: name(inputs, 'input_ids', 'input_ids'),
    mask: name(inputs, 'attention_mask', 'attention_mask'),
    positions: name(inputs, 'position_ids', 'position_ids'),
    logits: name(outputs, 'logits', 'logits'),
    state: [
      pair('past_key_names', 'present_key_names', ['past_key_values.%d.key', 'present.%d.key']),
      pair('past_value_names', 'present_value_names', ['past_key_values.%d.value', 'present.%d.value']),
      pair('past_conv_names', 'present_conv_names', ['past_conv.%d', 'present_conv.%d']),
    ],
    vocab: countOf(model['vocab_size']) ?? published.vocab,
    heads: countOf(decoder['num_key_value_heads']) ?? published.heads,
    channels: countOf(decoder['head_size']) ?? published.channels,
  }
}

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined
