/** The words of a text as memories are searched by them. */

/** Longer ones are cut: they are no words. */
const MAX_WORD = 64

/** Changed with what `wordsOf` returns: an index of another version is made anew. */
export const WORDS_VERSION = 1

const segmenter = new Intl.Segmenter('und', { granularity: 'word' })
const MARKS = /\p{M}+/gu
const APOSTROPHES = /['’]s?$/u

/** What the segmenter makes of ASCII, in lower case, and ten times as fast: letters and digits, joined by what stands between two of them. */
const ASCII_WORDS = /\w+(?:(?<=[a-z])[:.'](?=[a-z])\w+|(?<=\d)[,;.'](?=\d)\w+)*/gu

/**
 * The words of a text in their order: lower case, compatibility forms and accents undone, without possessive endings. Writing
 * without spaces is cut as the Unicode dictionaries say (UAX 29).
 */
export function wordsOf(text: string): string[] {
  if (isAscii(text)) return asciiWords(text.toLowerCase())
  const plain = text.normalize('NFKD').replaceAll(MARKS, '').toLowerCase().normalize('NFC')
  const words: string[] = []
  for (const { segment, isWordLike } of segmenter.segment(plain)) {
    const word = isWordLike ? segment.replace(APOSTROPHES, '').slice(0, MAX_WORD) : ''
    if (word !== '') words.push(word)
  }
  return words
}

// eslint-disable-next-line no-control-regex
const WORD_LIKE = /[a-z\d]|__/u
const isAscii = (text: string): boolean => /^[\0-\x7f]*$/u.test(text)

function asciiWords(plain: string): string[] {
  const words: string[] = []
  for (const segment of plain.match(ASCII_WORDS) ?? []) {
    const word = WORD_LIKE.test(segment) ? segment.replace(APOSTROPHES, '').slice(0, MAX_WORD) : ''
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
