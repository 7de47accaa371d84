/** What a line or a row of a data set may be, and its tokens with the weights of the loss. */
import type { Message, TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'

/** What is learned: `pretrain` every token, `instruct` only what the assistant says. */
export type Mode = 'pretrain' | 'instruct'

/** The names of the fields of a row that hold its text, its messages, or a prompt and its completion. */
export interface Fields {
  readonly text: string
  readonly messages: string
  readonly prompt: string
  readonly completion: string
}

/** How rows are read. */
export interface Reading {
  readonly mode: Mode
  readonly fields: Fields
}

/** Text, or a conversation. */
export type Document = { readonly text: string } | { readonly messages: readonly Message[] }

/** The ids of a document, and for each the loss weight of predicting it: 1 for all when absent. */
export interface WeightedIds {
  readonly ids: ArrayLike<number>
  readonly weights?: ArrayLike<number>
}

export const defaultFields: Fields = {
  text: 'text',
  messages: 'messages',
  prompt: 'prompt',
  completion: 'completion',
}
export const plainReading: Reading = { mode: 'pretrain', fields: defaultFields }

/** The fields that are looked at; the first one found counts. */
export function fieldsOf({ mode, fields }: Reading): readonly string[] {
  const chats = [fields.messages, fields.prompt, fields.completion]
  return mode === 'pretrain' ? [fields.text, ...chats] : chats
}

/**
 * A row's document: its text (not to learn replies from), its messages, or a conversation of its prompt and completion,
 * each a text or messages. Throws DataError that says what is wrong with the row, but not where the row is.
 */
export function documentOf(row: unknown, reading: Reading): Document {
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new DataError(`expected an object, got ${preview(row)}`)
  const { mode, fields } = reading
  const { [fields.text]: text, [fields.messages]: messages, ...rest } = row as Record<string, unknown>
  if (mode === 'pretrain' && typeof text === 'string') return { text }
  if (isConversation(messages)) return { messages }
  const prompt = toMessages(rest[fields.prompt], 'user')
  const completion = toMessages(rest[fields.completion], 'assistant')
  if (prompt !== undefined && completion !== undefined) return { messages: [...prompt, ...completion] }
  throw new DataError(problemOf(row as Record<string, unknown>, reading))
}

/** A document's ids and, where only replies are learned, weights: 1 on a reply and its end token, 0 elsewhere. */
export function tokensOf(document: Document, mode: Mode, codec: TextCodec): WeightedIds {
  if ('text' in document) return { ids: [...codec.encode(document.text), ...codec.eos.slice(0, 1)] }
  const ids = codec.chat(document.messages, { continued: false, generate: false })
  return mode === 'pretrain' ? { ids } : { ids, weights: replyWeights(document.messages, ids, codec) }
}

/** In words, what a row must have. */
export function wanted({ mode, fields }: Reading): string {
  const chat = `"${fields.messages}" (each with role and content), or "${fields.prompt}" and "${fields.completion}"`
  return mode === 'pretrain' ? `"${fields.text}", ${chat}` : `${chat} to learn replies from`
}

/** The first thing that keeps a row from being a document. */
function problemOf(row: Record<string, unknown>, reading: Reading): string {
  const { text, messages } = reading.fields
  if (Array.isArray(row[messages])) return messageProblem(messages, row[messages] as unknown[])
  const present = fieldsOf(reading).find((name) => row[name] !== undefined)
  if (present === text) return `${text}: expected a text, got ${preview(row[text])}`
  const found = Object.keys(row)
  return (
    `expected ${wanted(reading)}, found ${found.length === 0 ? 'no fields' : found.join(', ').slice(0, 200)}; ` +
    'name other fields with --text-field, --messages-field, --prompt-field and --completion-field'
  )
}

function messageProblem(field: string, messages: readonly unknown[]): string {
  const at = messages.findIndex((message) => !isMessage(message))
  if (at === -1) return `${field}: expected at least one message, got none`
  const { role, content } = (messages[at] ?? {}) as Record<string, unknown>
  if (!roles.includes(role as string)) return `${field}[${at}].role: expected ${roles.join(', ')}, got ${preview(role)}`
  return `${field}[${at}].content: expected a text, got ${preview(content)}`
}

function preview(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))
  return text === undefined ? 'nothing' : text.slice(0, 80)
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

const roles = ['system', 'user', 'assistant', 'developer']

function isMessage(value: unknown): value is Message {
  const { role, content } = (value ?? {}) as Record<string, unknown>
  return roles.includes(role as string) && typeof content === 'string'
}
