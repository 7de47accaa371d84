/** The message as the rules match it: the same length, so that every place in it is one of the message. */

/** Stands in the place of what somebody else says: quotations, code, quoted lines. */
export const MASK = '\uFFFC'

const FENCE = /```[^]*?(?:```|$)/gu
const INLINE_CODE = /`[^`\n]{1,200}`/gu
const QUOTED_LINE = /^[ \t]*>[^\n]*$/gmu
/** Three words and more between quotation marks are somebody's speech or a pasted text; fewer may be a value. */
const SPEECH =
  /"[^"\n\s]{1,60}(?:[ \t]+[^"\n\s]{1,60}){2,200}"|“[^”\s]{1,60}(?:\s+[^”\s]{1,60}){2,200}”|«[^»\s]{1,60}(?:\s+[^»\s]{1,60}){2,200}»/gu

/** Quoted text and code are masked; apostrophes, dashes and spaces are of one kind. */
export function plainOf(text: string): string {
  return text
    .replaceAll(FENCE, mask)
    .replaceAll(INLINE_CODE, (code) => (code.includes(' ') ? mask(code) : code))
    .replaceAll(QUOTED_LINE, mask)
    .replaceAll(SPEECH, mask)
    .replaceAll(/[’‘ʼ`´]/gu, "'")
    .replaceAll(/[\u00A0\u2007\u202F\t]/gu, ' ')
}

function mask(found: string): string {
  return found.replaceAll(/[^\n]/g, MASK)
}
