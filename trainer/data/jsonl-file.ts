/** A JSONL file: every line is a document, a text or a chat. */
import type { Message, TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'
import type { CorpusFile, Piece } from './corpus.ts'
import { decodeUtf8, readBytes } from './read-bytes.ts'

const chunkBytes = 65_536
/** A longer line is taken for a file that is not JSONL. */
const maxLineBytes = 64 * 1024 * 1024
const newline = 0x0a

/** What a line may be. */
export type JsonlDocument = { readonly text: string } | { readonly messages: readonly Message[] }

/** Opens a file whose lines are {"text": ...} or {"messages": [...]}; of chats only what the assistant says is learned. */
export function openJsonlFile(path: string, size: number, codec: TextCodec): CorpusFile {
  return {
    path,
    size,
    align: (place) => (place <= 0 ? Promise.resolve(0) : afterNewline(path, place - 1, size)),
    async read(from) {
      const { document, next } = await readDocument(path, from, size)
      if (document === undefined) return { ids: [], next, ends: true }
      if ('messages' in document) return { ...chatTokens(document.messages, codec), next, ends: true }
      return { ids: [...codec.encode(document.text), ...codec.eos.slice(0, 1)], next, ends: true }
    },
  }
}

/** The document of the line at a place, or undefined for a blank one, and where the next line begins. */
export async function readDocument(
  path: string,
  from: number,
  size: number,
): Promise<{ document: JsonlDocument | undefined; next: number }> {
  const next = await afterNewline(path, from, size)
  const line = decodeUtf8(await readBytes(path, from, next - from), path, from).replace(/^\uFEFF/, '')
  const blank = line.trim() === ''
  return { document: blank ? undefined : parseDocument(line, `${path}: the line at byte ${from}`), next }
}

/** One line's document. Throws DataError naming what is wrong with it. */
function parseDocument(line: string, where: string): JsonlDocument {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new DataError(`${where}: expected a JSON object, got ${(cause as Error).message}`, { cause })
  }
  const { text, messages } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (typeof text === 'string') return { text }
  if (Array.isArray(messages) && messages.length > 0 && messages.every(isMessage)) return { messages }
  throw new DataError(`${where}: expected "text" or "messages" (each with role and content), got ${line.slice(0, 80)}`)
}

/** A chat's ids, with weight 1 on the replies and 0 elsewhere. */
function chatTokens(messages: readonly Message[], codec: TextCodec): Pick<Piece, 'ids' | 'weights'> {
  const ids = codec.chat(messages, { continued: false, generate: false })
  const weights = new Float32Array(ids.length)
  messages.forEach(({ role }, i) => {
    if (role !== 'assistant') return
    const start = codec.chat(messages.slice(0, i), { continued: false, generate: true }).length
    const end = codec.chat(messages.slice(0, i + 1), { continued: false, generate: false }).length
    weights.fill(1, start, end)
  })
  return { ids, weights }
}

/** The place after the first newline at or after `place`, or the end of the file. */
async function afterNewline(path: string, place: number, size: number): Promise<number> {
  for (let at = place; at < size; at += chunkBytes) {
    if (at - place > maxLineBytes)
      throw new DataError(`${path}: the line at byte ${place} is longer than ${maxLineBytes} bytes`)
    const found = (await readBytes(path, at, Math.min(chunkBytes, size - at))).indexOf(newline)
    if (found !== -1) return at + found + 1
  }
  return size
}

function isMessage(value: unknown): value is Message {
  const { role, content } = (value ?? {}) as Record<string, unknown>
  return ['system', 'user', 'assistant', 'developer'].includes(role as string) && typeof content === 'string'
}
