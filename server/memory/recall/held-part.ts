/** The part of a correction that still holds: "Red Lion is full, so the Anchor instead" is quoted as "the Anchor instead". */
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import type { Question } from './question.ts'

/** "It's onions, not gluten", "friday instead of wednesday". */
const DENIED =
  /(?:\s+(?:is|are|was|were))?[\s,;(–-]+(?:(?:and |but )?not|instead of|rather than|no longer)\s[^,;.!?]*/giu
/** "I moved it from Nadia's to my desk". */
const MOVED_FROM =
  /(?<=\b(?:moved|changed|switched|went|gone|transferred|swapped|updated|raised|increased|lowered|reduced|cut|shifted|pushed|bumped)\b[^,;.!?]*)\sfrom\s[^,;.!?]*?(?=\sto\s)/giu
const PIECE = /(?<=[.!?;,–—])\s+|\s+(?=(?:so|but|and|because)\s)/u
const LINK = /^(?:so|but|and|because|then)\s+/iu

/** `before`: what was said of it until then. All that is left is the user's words; the whole sentence where nothing would be left. */
export function heldPart(question: Question, before: readonly string[], next: string): string {
  const old = oldWords(question, before)
  const isOld = (text: string): boolean => wordsOf(text).some((word) => old.has(stem(word)))
  const moved = next.replace(MOVED_FROM, '')
  if (!isOld(next)) return tidy(moved)
  const bare = moved.replace(DENIED, (tail) => (isOld(tail) ? '' : tail))
  const said = before.join(' ')
  const held = bare.split(PIECE).filter((piece) => !isOld(piece) || hasNewValue(piece, said))
  const says = held.some((piece) => wordsOf(piece).some((word) => !isCommon(word) || /\d/u.test(word)))
  return tidy(says ? held.join(' ') : bare)
}

/** Words that are no more than what was said before: those of the question are its topic. */
function oldWords({ words, known }: Question, before: readonly string[]): Set<string> {
  const asked = new Set([...words.keys()].flatMap((either) => either.split('|')).map(stem))
  const said = before.flatMap(wordsOf).filter((word) => (!isCommon(word) || /\d/u.test(word)) && !known.has(word))
  return new Set(said.map(stem).filter((word) => !asked.has(word)))
}

/** "It's May 13", after May 3: a number or a name that was not said before. */
function hasNewValue(piece: string, said: string): boolean {
  const values = piece.match(/\d[\d.,:-]*|(?<=\S\s+["'(]?)\p{Lu}[\p{L}\p{M}'-]+/gu) ?? []
  return values.some((value) => !/^I(?:'|$)/u.test(value) && !said.includes(value.replace(/[.,:-]+$/u, '')))
}

function tidy(text: string): string {
  return text
    .trim()
    .replace(LINK, '')
    .replace(/[\s,;:–-]+$/u, '')
}
