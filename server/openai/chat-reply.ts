/** One reply of a chat completion: the message that grows, and the deltas of its stream. */
import { countReasoning } from '../../runtime/reply/reply-format.ts'
import type { FinishReason } from '../engine/messages.ts'
import type { Piece } from './choices.ts'
import type { ReplyPlan } from './reply-plan.ts'
import { ReplyReader, type Part } from './reply-reader.ts'

type Json = Record<string, unknown>

/** Characters of a call's arguments in one chunk. */
const ARGUMENT_PIECE = 256

export interface IndexedPart {
  readonly part: Part
  /** Of a call: its place among the calls. */
  readonly call: number
}

export class ChatReply {
  readonly #plan: ReplyPlan
  readonly #totals: { reasoning: number }
  readonly #reader: ReplyReader
  #inReasoning = false
  #text = ''
  #reasoning = ''
  readonly #calls: Json[] = []

  /** Tokens of reasoning are counted into `totals`. */
  constructor(plan: ReplyPlan, totals: { reasoning: number }) {
    this.#plan = plan
    this.#totals = totals
    this.#reader = new ReplyReader(plan)
  }

  /** Takes the next piece; returns what it completes. */
  take({ text, begins, finish, generated }: Piece): IndexedPart[] {
    if (begins) {
      this.#inReasoning = begins.inReasoning
      this.#reader.begin(begins.inReasoning)
    }
    const parts = [...this.#reader.push(text), ...(finish === null ? [] : this.#reader.end())]
    if (finish !== null) this.#totals.reasoning += countReasoning(this.#plan.format, generated, this.#inReasoning)
    return parts.map((part) => this.#add(part))
  }

  message(): Json {
    const calls = this.#calls
    return {
      role: 'assistant',
      content: calls.length > 0 && this.#text === '' ? null : this.#text,
      ...(this.#reasoning !== '' && { reasoning_content: this.#reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
      refusal: null,
      annotations: [],
    }
  }

  /** The text that can be checked: '' where functions are called. */
  get checkable(): string {
    return this.#calls.length > 0 ? '' : this.#text
  }

  /** Why the reply ended, and calls that were none. */
  outcome(finish: FinishReason): Json {
    const { rejected } = this.#reader
    return {
      finish_reason: this.#reader.finishReason(finish),
      ...(rejected.length > 0 && { mneme: { rejected_calls: rejected } }),
    }
  }

  #add(part: Part): IndexedPart {
    if (part.kind === 'text') this.#text += part.text
    else if (part.kind === 'reasoning') this.#reasoning += part.text
    else {
      const { id, name, arguments: text } = part
      this.#calls.push({ id, type: 'function', function: { name, arguments: text } })
    }
    return { part, call: this.#calls.length - 1 }
  }
}

/** The deltas of a part: a call has one with its name, and others with pieces of its arguments. */
export function deltaOf({ part, call }: IndexedPart): Json[] {
  if (part.kind === 'text') return [{ content: part.text }]
  if (part.kind === 'reasoning') return [{ reasoning_content: part.text }]
  const { id, name, arguments: text } = part
  const begin = { index: call, id, type: 'function', function: { name, arguments: '' } }
  const pieces = argumentPieces(text).map((piece) => ({ index: call, function: { arguments: piece } }))
  return [begin, ...pieces].map((one) => ({ tool_calls: [one] }))
}

/** The arguments of a call in pieces, none of which ends within a character. */
export function argumentPieces(text: string): string[] {
  const characters = Array.from(text)
  const count = Math.ceil(characters.length / ARGUMENT_PIECE)
  return Array.from({ length: count }, (_, at) =>
    characters.slice(at * ARGUMENT_PIECE, (at + 1) * ARGUMENT_PIECE).join(''),
  )
}
