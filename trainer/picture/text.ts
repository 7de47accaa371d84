/** The width of text, and lines that fit: an SVG does not break them. */

/** Widths by the size of the font, of DejaVu Sans: the widest of the fonts that sans-serif usually is. */
const widths: readonly [characters: string, width: number][] = [
  ["'|ijl", 0.29],
  [' .,:;()[]ftrI/\\!-', 0.4],
  ['mwMW@%', 0.98],
  ['ABCDEFGHJKLNOPQRSTUVXYZ&+=<>~', 0.8],
]
const other = 0.64
const bold = 1.12

const byCharacter = new Map(widths.flatMap(([characters, width]) => Array.from(characters, (c) => [c, width] as const)))

/** At most the width in pixels. */
export function textWidth(text: string, size: number, isBold = false): number {
  let width = 0
  for (const character of text) width += byCharacter.get(character) ?? other
  return width * size * (isBold ? bold : 1)
}

/** The text in lines of at most `width` pixels; a word that is longer gets a line of its own, cut off with dots. */
export function wrapped(text: string, width: number, size: number, isBold = false): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    const longer = last === undefined ? word : `${last} ${word}`
    if (last !== undefined && textWidth(longer, size, isBold) <= width) lines[lines.length - 1] = longer
    else lines.push(shortened(word, width, size, isBold))
  }
  return lines
}

function shortened(word: string, width: number, size: number, isBold: boolean): string {
  if (textWidth(word, size, isBold) <= width) return word
  let end = word.length
  while (end > 1 && textWidth(`${word.slice(0, end)}…`, size, isBold) > width) end--
  return `${word.slice(0, end)}…`
}

/** A number with as few digits as tell it: 0.176, 12.3, 17,500, 2.5e-4. */
export function shortNumber(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1).replace('.0e', 'e')
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** A share in percent with at most one digit after the point; its space does not end a line. */
export const percentText = (share: number): string => `${Number((share * 100).toFixed(1))}\u00A0%`
