/** The architectures by name: the only list. */
import { adapterOf } from './architectures/adapter.ts'
import type { Architecture, Model } from './architecture.ts'
import { ConfigError } from './config.ts'
import { critic } from './architectures/critic.ts'
import { delta } from './architectures/delta.ts'
import { hmst } from './architectures/hmst.ts'
import { moc } from './architectures/moc.ts'
import { nmt } from './architectures/nmt.ts'
import { reader } from './architectures/reader.ts'
import { rsm } from './architectures/rsm.ts'
import { sentence } from './architectures/sentence.ts'
import { sentenceClassifier } from './architectures/sentence-classifier.ts'
import { smt } from './architectures/smt.ts'
import { vanilla } from './architectures/vanilla.ts'
import { families } from './families/registry.ts'

/** All but the adapter, which takes one of them as its base. */
const bases: ReadonlyMap<string, Architecture> = new Map([
  ...[vanilla, rsm, smt, delta, nmt, moc, hmst, sentence, sentenceClassifier, critic, reader].map(
    (own) => [own.name, own] as const,
  ),
  ...families,
])

export const architectures: ReadonlyMap<string, Architecture> = new Map([...bases, ['adapter', adapterOf(bases)]])

/**
 * The model that `architecture` and `options` describe, for a tokenizer of so many `tokens` where that is given; throws
 * ConfigError for what cannot be.
 */
export function createModel(architecture: string, options: Record<string, unknown>, tokens?: number): Model {
  const found = architectures.get(architecture)
  if (!found)
    throw new ConfigError(`architecture: expected one of ${[...architectures.keys()].join(', ')}, got ${architecture}`)
  if (tokens === undefined) return found.model(options)
  const { vocabOption: name } = found
  // Published models have rows for more tokens than their tokenizers
  const own = name === 'vocab_size' ? Number(options[name] ?? 0) : 0
  return found.model({ ...options, [name]: Math.max(own, tokens) })
}

/**
 * Options of an architecture without the size of the vocabulary, where that is the tokenizer's; published models have rows
 * for more tokens, so theirs stays.
 */
export function withoutVocabulary<V>(architecture: string, options: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([option]) => option !== 'vocab' || architectures.get(architecture)?.vocabOption !== option,
    ),
  )
}
