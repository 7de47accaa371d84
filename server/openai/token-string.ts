/** How tokens are written in answers with log-probabilities. */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The text of a token's bytes, or where they are no text of their own (a part of a character), `mark` and each byte as \\xhh:
 * completions are marked `bytes:`, chat is not, as OpenAI's are.
 */
export function tokenString(bytes: readonly number[], mark = ''): string {
  try {
    return strict.decode(Uint8Array.from(bytes))
  } catch {
    return mark + bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  }
}
