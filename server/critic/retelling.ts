/** Sentences that say again what the user said, word by word, or deny just that. */
import { contentWords } from './compare-values.ts'
import { MAX_SENTENCE } from '../memory/facts/sentences.ts'
import { inFirstPerson, isToUser, withoutLead } from './person.ts'

export interface Retold {
  readonly id: string
  readonly verdict: 'supported' | 'contradicted'
  readonly reason: string
}

const NEGATION = /\b(?:not|never|no longer|cannot)\b|n't\b/giu
const AUXILIARY = new Set([
  'i',
  'do',
  'doe',
  'did',
  'not',
  'no',
  'never',
  'dont',
  'am',
  "i'm",
  'have',
  'can',
  'cannot',
  'longer',
])

/**
 * The user's sentence that a reply's sentence repeats: all of its words are there, and nothing of weight is left out. The same
 * words with one of them denied contradict it.
 */
export function retelling(
  sentence: string,
  told: readonly { readonly id: string; readonly text: string }[],
): Retold | undefined {
  const bare = withoutLead(sentence)
  if (!isToUser(bare)) return undefined
  const said = inFirstPerson(bare)
  const words = weighty(said)
  if (words.length === 0) return undefined
  for (const { id, text } of told.toReversed()) {
    if (text.length > MAX_SENTENCE) continue
    const known = weighty(text)
    if (words.length !== known.length || !words.every((word) => known.includes(word))) continue
    const same = isDenied(said) === isDenied(text)
    const reason = `the user told: "${text}"`
    return same
      ? { id, verdict: 'supported', reason }
      : { id, verdict: 'contradicted', reason: `${reason}; the reply says that it is not so` }
  }
  return undefined
}

function weighty(text: string): string[] {
  return contentWords(text).filter((word) => !AUXILIARY.has(word) && !word.endsWith("n't"))
}

function isDenied(text: string): boolean {
  return (text.replaceAll(/[’‘]/gu, "'").match(NEGATION)?.length ?? 0) % 2 === 1
}
