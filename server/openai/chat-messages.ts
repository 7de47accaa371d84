/** Messages of a chat as the model's template reads them. */
import type { ReplyFormat } from '../../runtime/reply/reply-format.ts'
import type { Json, Message, ToolCall } from '../../runtime/text.ts'
import type { ChatMessage } from './chat-schema.ts'
import { ApiError } from './errors.ts'

/** Throws ApiError for messages of tools where the model's template knows none. */
export function chatMessages(messages: readonly ChatMessage[], format: ReplyFormat): Message[] {
  const names = new Map<string, string>()
  return messages.map((message, at): Message => {
    const { role } = message
    const calls = message.tool_calls ?? []
    if (format.tools === null && (role === 'tool' || calls.length > 0)) throw noTools(at, role === 'tool')
    for (const call of calls) names.set(call.id, call.function.name)
    if (role === 'assistant') return assistantMessage(message, format)
    const content = textOf(message.content)
    if (role !== 'tool') return { role, content }
    const id = message.tool_call_id ?? ''
    return toolMessage(id, message.name ?? names.get(id), content)
  })
}

/** What a tool returned. */
export function toolMessage(id: string, name: string | undefined, content: string): Message {
  return { role: 'tool', content, tool_call_id: id, ...(name !== undefined && { name }) }
}

/** A call as templates expect it: its arguments are an object, if they are JSON of one. */
export function toolCall(id: string, name: string, text: string): ToolCall {
  return { id, type: 'function', function: { name, arguments: argumentsOf(text) } }
}

/** An assistant's message, with its reasoning where the template looks for it. */
export function withReasoning(
  message: Message,
  reasoning: string,
  { reasoningFields, reasoning: delimiters }: ReplyFormat,
): Message {
  if (reasoning === '') return message
  if (reasoningFields.length > 0)
    return { ...message, ...Object.fromEntries(reasoningFields.map((field) => [field, reasoning])) }
  if (!delimiters) return message
  const { open, close } = delimiters
  return { ...message, content: `${open}\n${reasoning}\n${close}\n\n${message.content}` }
}

/** Takes reasoning that stands at the beginning of a content off it. */
export function splitReasoning(content: string, { reasoning }: ReplyFormat): { thought: string; rest: string } {
  const whole = { thought: '', rest: content }
  if (!reasoning || !content.trimStart().startsWith(reasoning.open)) return whole
  const from = content.indexOf(reasoning.open) + reasoning.open.length
  const to = content.indexOf(reasoning.close, from)
  if (to < 0) return whole
  return { thought: content.slice(from, to).trim(), rest: content.slice(to + reasoning.close.length).trimStart() }
}

function assistantMessage(message: ChatMessage, format: ReplyFormat): Message {
  const { thought, rest } = splitReasoning(textOf(message.content), format)
  const calls = (message.tool_calls ?? []).map((call) =>
    toolCall(call.id, call.function.name, call.function.arguments ?? ''),
  )
  const plain: Message = { role: 'assistant', content: rest, ...(calls.length > 0 && { tool_calls: calls }) }
  const given = message.reasoning_content || message.reasoning || detailsOf(message) || partsOf(message.content)
  return withReasoning(plain, given || thought, format)
}

function detailsOf({ reasoning_details: details }: ChatMessage): string {
  return (details ?? []).map(({ text }) => text ?? '').join('')
}

/** What an assistant thought, in parts of its content. */
function partsOf(content: ChatMessage['content']): string {
  if (typeof content === 'string') return ''
  return (content ?? [])
    .map((part) => {
      if (part.type === 'thinking') return part.thinking
      return part.type === 'reasoning' ? (part.text ?? part.reasoning ?? '') : ''
    })
    .join('')
}

/** Refusals and absent content read as empty. */
function textOf(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function argumentsOf(text: string): Json {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as Json
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : text
  } catch {
    return text
  }
}

function noTools(at: number, result: boolean): ApiError {
  const param = `messages[${at}].${result ? 'role' : 'tool_calls'}`
  const message = `'${param}': the model's chat template knows no tools.`
  return new ApiError(400, 'unsupported_parameter', message, { param })
}
