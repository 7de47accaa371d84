/** A text cut into pieces that overlap, each short enough to be searched for and read as one. */

/** How a file is cut, in tokens. A token counts as four UTF-16 units, whatever model reads it: pieces do not change with a model. */
export interface Chunking {
  readonly size: number
  readonly overlap: number
}

/** As pieces are cut unless a request says otherwise: what a small model reads of one, and a sentence encoder too. */
export const AUTO_CHUNKING: Chunking = { size: 200, overlap: 40 }

const UNITS_PER_TOKEN = 4

/** Where a piece may end, best first: after a paragraph, a line, a sentence, a word. */
const ENDS = [/\n\s*\n/gu, /\n/gu, /[.!?。！？]["'”’)]*\s|[。！？]/gu, /\s/gu]

/** The pieces in their order, without white space around them; what is only white space is in none. */
export function cutChunks(text: string, chunking: Chunking): string[] {
  const pieces = spansOf(text, chunking).map(({ start, end }) => text.slice(start, end).trim())
  return pieces.filter((piece) => piece !== '')
}

/** Where pieces begin and end in the text. */
export function spansOf(text: string, { size, overlap }: Chunking): { readonly start: number; readonly end: number }[] {
  const [most, shared] = [size * UNITS_PER_TOKEN, overlap * UNITS_PER_TOKEN]
  const spans: { start: number; end: number }[] = []
  for (let start = 0; start < text.length;) {
    const end = endOf(text, start, most)
    spans.push({ start, end })
    if (end === text.length) break
    start = startAfter(text, start, end, shared)
  }
  return spans
}

function endOf(text: string, start: number, most: number): number {
  const last = start + most
  if (last >= text.length) return text.length
  // In the second half of the room, so that no piece is much shorter than it may be.
  const from = start + (most >> 1)
  const room = text.slice(from, last)
  for (const pattern of ENDS) {
    const found = [...room.matchAll(pattern)].at(-1)
    if (found) return from + found.index + found[0].length
  }
  return isInPair(text, last) ? last - 1 : last
}

/** The next piece begins `shared` units before the end of the last one, at a word. */
function startAfter(text: string, start: number, end: number, shared: number): number {
  const at = Math.max(start + 1, end - shared)
  const space = text.slice(at, end).search(/\s/u)
  const next = space < 0 ? at : at + space
  return isInPair(text, next) ? next + 1 : next
}

/** Whether a place lies between the two units of one character. */
function isInPair(text: string, at: number): boolean {
  return /[\uD800-\uDBFF]/u.test(text[at - 1] ?? '') && /[\uDC00-\uDFFF]/u.test(text[at] ?? '')
}
