/** Who a sentence is about, where that is somebody by name in small letters: "piotr moved to Sopot". */
import { isGivenName } from '../recall/names.ts'
import { isKnownWord } from '../recall/word-vectors.ts'
import { stem } from '../search-words.ts'

const DOES = /^(?:is|was|has|had|can|will|went|got|came|took|left|\p{L}{2,}ed)$/u

/** Whether a sentence begins with a name, or a word that is no other, that is not among these stems, and says what that does. */
export function isOfNewcomer([first = '', second = '']: readonly string[], known: readonly string[]): boolean {
  const isName = isGivenName(first) || (/^\p{L}{3,}$/u.test(first) && !isKnownWord(first))
  return isName && DOES.test(second) && !known.includes(stem(first))
}
