/** The input of a response: what the model reads, and the items that are listed afterwards. */
import type { ReplyFormat } from '../../runtime/reply/reply-format.ts'
import type { Message, ToolCall } from '../../runtime/text.ts'
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { splitReasoning, toolCall, toolMessage, withReasoning } from './chat-messages.ts'
import { ApiError } from './errors.ts'
import type { InputItem, MessageItem, ResponseRequest } from './responses-schema.ts'

type Json = Record<string, unknown>

/** An item of the input, its item references resolved. */
export type InputEntry =
  | {
      readonly kind: 'message'
      readonly id: string | undefined
      readonly role: MessageItem['role']
      readonly texts: readonly string[]
    }
  | { readonly kind: 'reasoning'; readonly id: string | undefined; readonly text: string }
  | {
      readonly kind: 'call'
      readonly id: string | undefined
      readonly call: string
      readonly name: string
      readonly arguments: string
    }
  | {
      readonly kind: 'output'
      readonly id: string | undefined
      readonly call: string
      readonly text: string
      readonly name: string | undefined
    }

/** The item ids of a response are derived from its own, so that an item leads to the response. */
export function itemIdOf(responseId: string, prefix: 'msg' | 'rs' | 'fc' | 'fs' | 'vf', index = 0): string {
  return responseId.replace(/^resp_/, `${prefix}_`) + (index === 0 ? '' : `_${index}`)
}

/** The id of the response whose item this is. */
function responseIdOf(itemId: string): string {
  return itemId.replace(/^(?:msg|rs|fc)_([^_]*).*$/, 'resp_$1')
}

/** The request's input. Throws ApiError for a reference to what this owner has not stored. */
export async function readInput(
  deps: Deps,
  request: Pick<ResponseRequest, 'input'> & Partial<Pick<ResponseRequest, 'previous_response_id'>>,
  owner: string,
): Promise<InputEntry[]> {
  const { input, previous_response_id: previous } = request
  if (input == null) return []
  if (typeof input === 'string') return [{ kind: 'message', id: undefined, role: 'user', texts: [input] }]
  const entries: InputEntry[] = []
  const names = new Map<string, string>()
  for (const [i, item] of input.entries()) {
    if (isOwn(item)) continue
    const entry = entryOf(item)
    if (entry?.kind === 'call') names.set(entry.call, entry.name)
    if (entry) entries.push(entry)
    // The memory that is continued has read its own reply already.
    else if (!previous || responseIdOf(item.id as string) !== previous)
      entries.push(await referred(deps, owner, item.id as string, i))
  }
  return withNames(deps, owner, previous, entries, names)
}

/** What the model reads: instructions, then the input. Throws ApiError for calls where the template knows no tools. */
export function messagesOf(request: ResponseRequest, input: readonly InputEntry[], format: ReplyFormat): Message[] {
  const { instructions } = request
  const messages: Message[] = instructions ? [{ role: 'system', content: instructions }] : []
  let turn = new AssistantTurn()
  const flush = (): void => {
    const message = turn.message(format)
    if (message) messages.push(message)
    turn = new AssistantTurn()
  }
  for (const [at, entry] of input.entries()) {
    if (format.tools === null && (entry.kind === 'call' || entry.kind === 'output')) throw noTools(at)
    if (turn.take(entry)) continue
    flush()
    if (turn.take(entry)) continue
    if (entry.kind === 'output') messages.push(toolMessage(entry.call, entry.name, entry.text))
    if (entry.kind === 'message') messages.push({ role: entry.role, content: entry.texts.join('') })
  }
  flush()
  return messages
}

/** Items in a row that are one message of the assistant: reasoning, text, calls. */
class AssistantTurn {
  #reasoning = ''
  #text: string | null = null
  readonly #calls: ToolCall[] = []

  /** Returns whether the item belongs to this message. */
  take(entry: InputEntry): boolean {
    const begun = this.#text !== null || this.#calls.length > 0
    if (entry.kind === 'reasoning' && !begun) this.#reasoning += entry.text
    else if (entry.kind === 'message' && entry.role === 'assistant' && !begun) this.#text = entry.texts.join('')
    else if (entry.kind === 'call') this.#calls.push(toolCall(entry.call, entry.name, entry.arguments))
    else return false
    return true
  }

  message(format: ReplyFormat): Message | null {
    if (this.#text === null && this.#calls.length === 0) return null
    const { thought, rest } = splitReasoning(this.#text ?? '', format)
    const calls = this.#calls.length > 0 ? { tool_calls: this.#calls } : {}
    return withReasoning({ role: 'assistant', content: rest, ...calls }, this.#reasoning || thought, format)
  }
}

/** The input as the items that /input_items lists. */
export function itemsOf(input: readonly InputEntry[]): Json[] {
  return input.map((entry) => {
    if (entry.kind === 'message') {
      const type = entry.role === 'assistant' ? 'output_text' : 'input_text'
      const content = entry.texts.map((text) => ({ type, text }))
      return { id: entry.id ?? newId('msg'), type: 'message', status: 'completed', role: entry.role, content }
    }
    const status = 'completed'
    if (entry.kind === 'reasoning') return reasoningItem(entry.id ?? newId('rs'), entry.text, status)
    const { id, call: call_id } = entry
    if (entry.kind === 'output')
      return { id: id ?? newId('fco'), type: 'function_call_output', status, call_id, output: entry.text }
    return {
      id: id ?? newId('fc'),
      type: 'function_call',
      status,
      call_id,
      name: entry.name,
      arguments: entry.arguments,
    }
  })
}

/** Reasoning as an item. */
export function reasoningItem(id: string, text: string, status: string): Json {
  const content = text === '' ? [] : [{ type: 'reasoning_text', text }]
  return { id, type: 'reasoning', status, summary: [], content, encrypted_content: null }
}

/** The entry of an item; null for a reference. */
function entryOf(item: InputItem): InputEntry | null {
  const id = item.id ?? undefined
  if (isMessage(item)) return { kind: 'message', id, role: item.role, texts: textsOf(item.content) }
  if ('summary' in item || item.type === 'reasoning') return { kind: 'reasoning', id, text: reasoningOf(item) }
  if (item.type === 'function_call' && 'arguments' in item)
    return { kind: 'call', id, call: item.call_id, name: item.name, arguments: item.arguments }
  if (item.type === 'function_call_output' && 'output' in item)
    return { kind: 'output', id, call: item.call_id, text: textsOf(item.output).join(''), name: undefined }
  return null
}

/** What the server said of a turn, and no model reads. */
function isOwn({ type }: InputItem): boolean {
  return type === 'file_search_call' || type === 'mneme:verification'
}

function isMessage(item: InputItem): item is MessageItem {
  return 'role' in item
}

/** The whole reasoning, or else what was said of it. */
function reasoningOf(item: InputItem): string {
  const { content, summary } = item as { content?: unknown; summary?: unknown }
  const texts = (parts: unknown): string =>
    ((parts ?? []) as readonly { text?: string | null }[]).map(({ text }) => text ?? '').join('\n')
  return texts(content) || texts(summary)
}

/** Refusals and absent content read as empty. */
function textsOf(content: MessageItem['content']): string[] {
  if (typeof content === 'string') return [content]
  return (content ?? []).map((part) => (part.type === 'refusal' ? '' : part.text))
}

/** The names of the functions whose outputs these are: some templates write them. */
async function withNames(
  deps: Deps,
  owner: string,
  previous: string | null | undefined,
  entries: readonly InputEntry[],
  names: Map<string, string>,
): Promise<InputEntry[]> {
  const missing = entries.some((entry) => entry.kind === 'output' && !names.has(entry.call))
  const found = missing && previous ? await deps.store.find(owner, previous) : null
  for (const item of found ? outputOf(found.record.document) : [])
    if (item['type'] === 'function_call') names.set(item['call_id'] as string, item['name'] as string)
  return entries.map((entry) => (entry.kind === 'output' ? { ...entry, name: names.get(entry.call) } : entry))
}

async function referred(deps: Deps, owner: string, id: string, index: number): Promise<InputEntry> {
  const found = await deps.store.find(owner, responseIdOf(id))
  const item = found ? outputOf(found.record.document).find((one) => one['id'] === id) : undefined
  const entry = item && entryOf(item as unknown as InputItem)
  if (entry) return entry
  const param = `input[${index}].id`
  const message = `'${param}': no stored item '${id.slice(0, 100)}'. References name output items of stored responses.`
  throw new ApiError(404, 'item_not_found', message, { param })
}

/** What the user wrote in a stored turn. */
export function userTexts(document: string): string[] {
  const { input } = JSON.parse(document) as { input: readonly InputItem[] }
  return input.flatMap((item) => (isMessage(item) && item.role === 'user' ? [textsOf(item.content).join('')] : []))
}

/** What was replied in a stored turn. */
export function replyText(document: string): string {
  const items = outputOf(document) as unknown as readonly InputItem[]
  return items.flatMap((item) => (isMessage(item) ? textsOf(item.content) : [])).join('')
}

function outputOf(document: string): readonly Json[] {
  return (JSON.parse(document) as { response: { output: readonly Json[] } }).response.output
}

function noTools(at: number): ApiError {
  const param = `input[${at}].type`
  return new ApiError(400, 'unsupported_parameter', `'${param}': the model's chat template knows no tools.`, { param })
}
