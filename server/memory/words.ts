/** The words of a text as memories are searched by them. */

/** Longer ones are cut: they are no words. */
const MAX_WORD = 64

/** Changed with what `wordsOf` returns: an index of another version is made anew. */
export const WORDS_VERSION = 1

const segmenter = new Intl.Segmenter('und', { granularity: 'word' })
const MARKS = /\p{M}+/gu
const APOSTROPHES = /['’]s?$/u

/**
 * The words of a text in their order: lower case, compatibility forms and accents undone, without possessive endings. Writing
 * without spaces is cut as the Unicode dictionaries say (UAX 29).
 */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replaceAll(MARKS, '').toLowerCase().normalize('NFC')
  const words: string[] = []
  for (const { segment, isWordLike } of segmenter.segment(plain)) {
    const word = isWordLike ? segment.replace(APOSTROPHES, '').slice(0, MAX_WORD) : ''
    if (word !== '') words.push(word)
  }
  return words
}

/** How often each word occurs. */
export function countWords(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
