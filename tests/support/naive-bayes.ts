/** Multinomial naive Bayes (McCallum and Nigam 1998) over the words of a text and pairs of them, each once, smoothed by one. */
import type { Claim } from '../../trainer/data/claims/claim.ts'

function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []
  return [...new Set([...words, ...words.slice(1).map((word, at) => `${words[at]} ${word}`)])]
}

/** How likely a sentence is contradicted, as a logarithm of odds, by the words of those that are labelled. */
export function naiveBayes(claims: readonly Claim[]): (sentence: string) => number {
  const counts = { supported: new Map<string, number>(), contradicted: new Map<string, number>(), unchecked: new Map() }
  const texts = { supported: 0, contradicted: 0, unchecked: 0 }
  const words = { supported: 0, contradicted: 0, unchecked: 0 }
  for (const { sentence, label } of claims) {
    texts[label]++
    for (const word of wordsOf(sentence)) {
      counts[label].set(word, (counts[label].get(word) ?? 0) + 1)
      words[label]++
    }
  }
  const vocabulary = new Set([...counts.supported.keys(), ...counts.contradicted.keys()]).size
  const likelihood = (word: string, label: 'supported' | 'contradicted'): number =>
    Math.log(((counts[label].get(word) ?? 0) + 1) / (words[label] + vocabulary))
  const prior = Math.log(texts.contradicted / texts.supported)
  return (sentence) =>
    wordsOf(sentence).reduce(
      (sum, word) => sum + likelihood(word, 'contradicted') - likelihood(word, 'supported'),
      prior,
    )
}
