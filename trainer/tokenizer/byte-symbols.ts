/** GPT-2's alphabet of bytes: each byte is written as one character that can be seen. */

/** Bytes that are written as themselves; the others follow each other from U+0100 on. */
const visible = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
] as const

const isVisible = (byte: number): boolean => visible.some(([first, last]) => byte >= first && byte <= last)

/** The character of each byte. */
const characters: readonly string[] = (() => {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isVisible(byte) ? byte : next++))
})()

/** All 256 characters in the order of their code points. */
export const byteSymbols: readonly string[] = characters.toSorted()

/** The bytes of a text, written in this alphabet. */
export function symbolsOf(text: string): string {
  let symbols = ''
  for (const byte of Buffer.from(text)) symbols += characters[byte]
  return symbols
}
