/** Ids to text, one id at a time: text comes out as soon as its last byte is there, and never before. */
import type { Vocabulary } from './vocabulary.ts'

export interface Detokenizer {
  /** Returns the text that this id completes, often ''. */
  push(id: number): string
  /** Returns the text that was held back; the bytes of an incomplete character are dropped. */
  flush(): string
}

const REPLACEMENT = '\u{FFFD}'

/** Returns a decoder for one stream of ids. Special tokens and ids outside the vocabulary give no text. */
export function createDetokenizer(vocabulary: Vocabulary): Detokenizer {
  return vocabulary.decoderType === 'ByteLevel' ? byteLevel(vocabulary) : windowed(vocabulary)
}

function byteLevel(vocabulary: Vocabulary): Detokenizer {
  let decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    push(id) {
      const token = vocabulary.tokenOf(id)
      if (token === undefined || vocabulary.isSpecial(id)) return ''
      if (!vocabulary.isAdded(id)) return decoder.decode(bytesOf(token), { stream: true })
      return decoder.decode() + token
    },
    flush() {
      // A fresh decoder: the old one would give U+FFFD for what it still holds.
      decoder = new TextDecoder('utf-8', { ignoreBOM: true })
      return ''
    },
  }
}

/** The UTF-8 of one token alone; nothing for special tokens and ids outside the vocabulary. */
export function bytesOfToken(vocabulary: Vocabulary, id: number): number[] {
  const token = vocabulary.tokenOf(id)
  if (token === undefined || vocabulary.isSpecial(id)) return []
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1]
  if (byte !== undefined) return [Number.parseInt(byte, 16)]
  if (vocabulary.isAdded(id)) return [...Buffer.from(token)]
  if (vocabulary.decoderType === 'ByteLevel') return [...bytesOf(token)]
  // Alone, a word's first token would be decoded without the space before it
  return [...Buffer.from(token.includes('\u2581') ? token.replaceAll('\u2581', ' ') : vocabulary.decode([id]))]
}

// GPT-2's alphabet: printable Latin-1 characters stand for their own byte, and the other 68 bytes for U+0100 onwards.
const byteOfCharacter = new Map<string, number>()
for (let byte = 0, next = 256; byte < 256; byte++) {
  const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  byteOfCharacter.set(String.fromCodePoint(printable ? byte : next++), byte)
}

function bytesOf(token: string): Uint8Array {
  const bytes: number[] = []
  for (const character of token) {
    const byte = byteOfCharacter.get(character)
    if (byte === undefined) bytes.push(...Buffer.from(character))
    else bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

// Any other decoder may look at neighbours, so the text of an id is what it adds to the text of the ids just before it.
// Two lengths of ids are kept: those given out last, for context, and those that have not made a whole character yet.
function windowed(vocabulary: Vocabulary): Detokenizer {
  const LONGEST_CHARACTER_TOKENS = 8
  let context: number[] = []
  let held: number[] = []
  const take = (text: string): string => {
    const known = vocabulary.decode(context)
    context = held
    held = []
    return text.slice(known.length)
  }
  return {
    push(id) {
      if (vocabulary.tokenOf(id) === undefined || vocabulary.isSpecial(id)) return ''
      held.push(id)
      const text = vocabulary.decode([...context, ...held])
      return text.endsWith(REPLACEMENT) && held.length < LONGEST_CHARACTER_TOKENS ? '' : take(text)
    },
    flush() {
      const text = held.length > 0 ? take(vocabulary.decode([...context, ...held])) : ''
      context = []
      return text.replace(/\u{FFFD}+$/u, '')
    },
  }
}
