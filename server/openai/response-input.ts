/** The input of a response: what the model reads, and the items that are listed afterwards. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { Message } from '../../runtime/text.ts'
import { ApiError } from './errors.ts'
import type { InputItem, MessageItem, ResponseRequest } from './responses-schema.ts'

/** A message of the input, its item references resolved. */
export interface InputMessage {
  readonly id: string | undefined
  readonly role: Message['role']
  readonly texts: readonly string[]
}

/** The item id of a response's own message: derived, so that the item leads to the response. */
export function messageIdOf(responseId: string): string {
  return responseId.replace(/^resp_/, 'msg_')
}

/** Messages of the request's input. Throws ApiError for a reference to what this owner has not stored. */
export async function readInput(deps: Deps, request: ResponseRequest, owner: string): Promise<InputMessage[]> {
  const { input, previous_response_id: previous } = request
  if (input == null) return []
  if (typeof input === 'string') return [{ id: undefined, role: 'user', texts: [input] }]
  const messages: InputMessage[] = []
  for (const [i, item] of input.entries()) {
    if (item.type === 'reasoning') continue
    if (isMessage(item)) messages.push({ id: item.id ?? undefined, role: item.role, texts: textsOf(item.content) })
    // The memory that is continued has read its own reply already.
    else if (!previous || item.id !== messageIdOf(previous)) messages.push(await referred(deps, owner, item.id, i))
  }
  return messages
}

/** What the model reads: instructions, then the input. */
export function messagesOf(request: ResponseRequest, input: readonly InputMessage[]): Message[] {
  const { instructions } = request
  const system: Message[] = instructions ? [{ role: 'system', content: instructions }] : []
  return [...system, ...input.map(({ role, texts }) => ({ role, content: texts.join('') }))]
}

/** The input as the items that /input_items lists. */
export function itemsOf(input: readonly InputMessage[]): Record<string, unknown>[] {
  return input.map(({ id, role, texts }) => {
    const type = role === 'assistant' ? 'output_text' : 'input_text'
    const content = texts.map((text) => ({ type, text }))
    return { id: id ?? newId('msg'), type: 'message', status: 'completed', role, content }
  })
}

function isMessage(item: InputItem): item is MessageItem {
  return 'role' in item
}

/** Refusals and absent content read as empty. */
function textsOf(content: MessageItem['content']): string[] {
  if (typeof content === 'string') return [content]
  return (content ?? []).map((part) => (part.type === 'refusal' ? '' : part.text))
}

async function referred(deps: Deps, owner: string, id: string, index: number): Promise<InputMessage> {
  const found = await deps.store.find(owner, id.replace(/^msg_/, 'resp_'))
  const text = found ? outputTextOf(found.record.document) : null
  if (text === null) {
    const param = `input[${index}].id`
    const message = `'${param}': no stored message '${id.slice(0, 100)}'. References name messages of stored responses.`
    throw new ApiError(404, 'item_not_found', message, { param })
  }
  return { id, role: 'assistant', texts: [text] }
}

/** The text of a stored response; null if it has none. */
function outputTextOf(document: string): string | null {
  const { response } = JSON.parse(document) as {
    response: { output: readonly { content: readonly { text: string }[] }[] }
  }
  return response.output[0]?.content.map(({ text }) => text).join('') ?? null
}
