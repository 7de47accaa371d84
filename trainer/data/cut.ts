/**
 * Where a long text may be cut so that the ids of its parts are the ids of the whole: at borders that every byte-level,
 * character and byte tokenizer keeps, because the patterns that split text before merging (GPT-2's, Llama 3's, ours)
 * never reach over them. Where a text has none, as one line of DNA, it is cut between two characters.
 */

/** Before white space behind a letter or digit; behind a single line break; before a mark behind a letter. */
const border = /(?<=[\p{L}\p{N}])(?=\s)|(?<=\S\n)(?=\S)|(?<=\p{L})(?=[^\p{L}\p{N}\p{M}\s'’\u200C\u200D])/gu

/** Within so many characters a space is waited for; then any border does. */
const nearSpace = 256

/** The last place in `text` before which it may be cut; above 0, and below its length where that has two characters. */
export function lastCut(text: string): number {
  const space = lastSpace(text)
  if (space > text.length / 2) return space
  let last = space
  for (const { index } of text.matchAll(border)) if (index > last && index < text.length) last = index
  return last > 0 ? last : lastCharacter(text)
}

/** The first place in `text` before which it may be cut, 0 where there is none but between any two characters. */
export function firstCut(text: string): number {
  const space = firstSpace(text)
  if (space !== -1 && space <= nearSpace) return space
  for (const { index } of text.matchAll(border)) if (index > 0) return space === -1 ? index : Math.min(index, space)
  return Math.max(0, space)
}

function firstSpace(text: string): number {
  let at = text.indexOf(' ')
  while (at !== -1 && !isBetweenWords(text, at)) at = text.indexOf(' ', at + 1)
  return at
}

function lastSpace(text: string): number {
  let at = text.lastIndexOf(' ')
  while (at > 0 && !isBetweenWords(text, at)) at = text.lastIndexOf(' ', at - 1)
  return Math.max(0, at)
}

const isBetweenWords = (text: string, at: number): boolean => text.charAt(at - 1) > ' ' && text.charAt(at + 1) > ' '

function lastCharacter(text: string): number {
  const low = text.charCodeAt(text.length - 1)
  const isPair = low >= 0xdc00 && low <= 0xdfff && text.length > 1
  const at = text.length - (isPair ? 2 : 1)
  return at > 0 ? at : text.length
}
