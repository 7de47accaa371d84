/** What a line or a row of a data set may be, and its tokens with the weights of the loss. */
import type { Message, TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'
import type { Piece } from './corpus-file.ts'

/** What is learned: `pretrain` every token, `instruct` only what the assistant says. */
export type Mode = 'pretrain' | 'instruct'

/** Where a row's text and messages are. */
export interface Fields {
  readonly text: string
  readonly messages: string
}

/** Text, or a conversation. */
export type Document = { readonly text: string } | { readonly messages: readonly Message[] }

export const defaultFields: Fields = { text: 'text', messages: 'messages' }

/** The fields that are looked at, the first one found counts. */
export function fieldsOf(mode: Mode, fields: Fields): readonly string[] {
  const chats = [fields.messages, 'prompt', 'completion']
  return mode === 'pretrain' ? [fields.text, ...chats] : chats
}

/**
 * A row's document: its text (not to learn replies from), its messages, or a conversation of its `prompt` and
 * `completion`, each a text or messages. Throws DataError that begins with `where`.
 */
export function toDocument(row: unknown, mode: Mode, fields: Fields, where: string): Document {
  const value = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>
  const [text, messages] = [value[fields.text], value[fields.messages]]
  if (mode === 'pretrain' && typeof text === 'string') return { text }
  if (isConversation(messages)) return { messages }
  const [prompt, completion] = [toMessages(value['prompt'], 'user'), toMessages(value['completion'], 'assistant')]
  if (prompt !== undefined && completion !== undefined) return { messages: [...prompt, ...completion] }
  const found = JSON.stringify(row, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))?.slice(0, 80)
  throw new DataError(`${where}: expected ${wanted(mode, fields)}, got ${found}`)
}

/** A document's ids and, where only replies are learned, weights: 1 on a reply and its end token, 0 elsewhere. */
export function tokensOf(document: Document, mode: Mode, codec: TextCodec): Pick<Piece, 'ids' | 'weights'> {
  if ('text' in document) return { ids: [...codec.encode(document.text), ...codec.eos.slice(0, 1)] }
  const ids = codec.chat(document.messages, { continued: false, generate: false })
  return mode === 'pretrain' ? { ids } : { ids, weights: replyWeights(document.messages, ids, codec) }
}

/** In words, what a row must have. */
export function wanted(mode: Mode, { text, messages }: Fields): string {
  const chat = `"${messages}" (each with role and content), or "prompt" and "completion"`
  return mode === 'pretrain' ? `"${text}", ${chat}` : `${chat} to learn replies from`
}

/** Found by rendering the conversation up to each reply and up to its end. */
function replyWeights(messages: readonly Message[], ids: readonly number[], codec: TextCodec): Float32Array {
  const weights = new Float32Array(ids.length)
  messages.forEach(({ role }, i) => {
    if (role !== 'assistant') return
    const before = codec.chat(messages.slice(0, i), { continued: false, generate: true })
    const until = codec.chat(messages.slice(0, i + 1), { continued: false, generate: false })
    if (![before, until].every((part) => part.every((id, at) => id === ids[at])))
      throw new DataError('chat_template: expected one that only adds to what came before, to learn replies from it')
    const end = until.findLastIndex((id, at) => at >= before.length && codec.eos.includes(id))
    weights.fill(1, before.length, end === -1 ? until.length : end + 1)
  })
  return weights
}

function toMessages(value: unknown, role: 'user' | 'assistant'): readonly Message[] | undefined {
  if (typeof value === 'string') return [{ role, content: value }]
  return isConversation(value) ? value : undefined
}

function isConversation(value: unknown): value is Message[] {
  return Array.isArray(value) && value.length > 0 && value.every(isMessage)
}

function isMessage(value: unknown): value is Message {
  const { role, content } = (value ?? {}) as Record<string, unknown>
  return ['system', 'user', 'assistant', 'developer'].includes(role as string) && typeof content === 'string'
}
