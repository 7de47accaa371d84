/**
 * Tokens with a meaning in the text of a reply. Such a token stands there between two characters that Unicode keeps
 * for internal use, so that it is told from the same characters written as text.
 */
const OPEN = '\u{FDD0}'
const CLOSE = '\u{FDD1}'
const MARKED = new RegExp(`${OPEN}([^${CLOSE}]*)${CLOSE}`, 'g')

/** Returns a token as it stands in the text of a reply. */
export function marked(token: string): string {
  return OPEN + token + CLOSE
}

/** Returns text of a model as it stands in a reply: characters that would mark tokens are replaced. */
export function unmarkable(text: string): string {
  return text.replaceAll(/[\u{FDD0}\u{FDD1}]/gu, '\u{FFFD}')
}

/** Spells marked tokens out. */
export function spelledOut(text: string): string {
  return text.replaceAll(MARKED, '$1')
}

/** Leaves marked tokens out. */
export function withoutMarked(text: string): string {
  return text.replaceAll(MARKED, '')
}

/** Splits a text so that every second piece is a marked token. */
export function splitMarked(text: string): string[] {
  return text.split(MARKED)
}

/** Length of the marked token that the text ends within; 0 if there is none. */
export function unfinishedMark(text: string): number {
  const at = text.lastIndexOf(OPEN)
  return at >= 0 && !text.includes(CLOSE, at) ? text.length - at : 0
}
