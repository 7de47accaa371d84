/** The text of an uploaded file. What cannot be read is refused by its name. */
import { ApiError } from '../openai/errors.ts'
import { htmlText } from './html-text.ts'

/** How files begin that are no text, and what they are. */
const KINDS: readonly (readonly [prefix: readonly number[], kind: string])[] = [
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive, as Word, Excel and PowerPoint files are'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Word, Excel or PowerPoint file'],
  [[0x7b, 0x5c, 0x72, 0x74, 0x66], 'an RTF file'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG image'],
  [[0xff, 0xd8, 0xff], 'a JPEG image'],
  [[0x47, 0x49, 0x46, 0x38], 'a GIF image'],
  [[0x1f, 0x8b], 'a gzip file'],
]

const READ = 'Plain text, Markdown, JSON, CSV, HTML and source code in UTF-8 or UTF-16 are read.'

/** Throws ApiError 400 for a file that is no text. */
export function fileText(name: string, bytes: Uint8Array): string {
  const known = KINDS.find(([prefix]) => prefix.every((byte, at) => bytes[at] === byte))
  if (known) throw refused(name, known[1])
  let text: string
  try {
    text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch (cause) {
    throw refused(name, 'no text in UTF-8', cause)
  }
  if (text.includes('\0')) throw refused(name, 'no text: it has NUL characters')
  return isHtml(name, text) ? htmlText(text) : text
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}

function isHtml(name: string, text: string): boolean {
  return /\.(?:x?html?|xht)$/iu.test(name) || /^\s*(?:<!doctype html|<html[\s>])/iu.test(text.slice(0, 1024))
}

function refused(name: string, kind: string, cause?: unknown): ApiError {
  const message = `'file': '${name.slice(0, 100)}' is ${kind}. ${READ} Send the text of it.`
  return new ApiError(400, 'unsupported_file', message, { param: 'file', cause })
}
