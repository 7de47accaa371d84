/** One conversation with a contender, continued by the id of its last response or sent whole, as chat clients do. */
import type { Contender } from './contender.ts'
import { streamReply, type Address, type StreamedReply, type TokenCounts } from './stream.ts'

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
  readonly reasoning_content?: string
}

/** A turn as it was answered. */
export interface Turn {
  readonly tokens: TokenCounts
  /** Tokens that no server can avoid computing: those that are not of the prompt and the reply before. */
  readonly fresh: number
  readonly ttft: number
}

/** Tokens of each reply. */
export const REPLY_TOKENS = 16

export class Conversation {
  readonly #contender: Contender
  #messages: Message[]
  #last: StreamedReply | null = null
  #turns = 0

  constructor(contender: Contender, opening: string) {
    this.#contender = contender
    this.#messages = [{ role: 'user', content: opening }]
  }

  /** The next turn of POST /v1/responses: the first message, or a question that continues the last response. */
  async byId(address: Address): Promise<Turn> {
    const { model } = this.#contender
    const last = this.#last
    const input = last ? this.#question() : (this.#messages[0] as Message).content
    const from = last ? { previous_response_id: last.id } : {}
    const body = { model, input, ...from, max_output_tokens: REPLY_TOKENS, temperature: 0 }
    return this.#turn(await streamReply(address, '/v1/responses', body), last, false)
  }

  /** The next turn of POST /v1/chat/completions: all messages, the last reply as it was given. */
  async resent(address: Address): Promise<Turn> {
    if (this.#last) this.#say(replyOf(this.#last))
    return this.#chat(address, false)
  }

  /** The same, the last reply without its reasoning; where it had none, without the first half of its words. */
  async stripped(address: Address): Promise<Turn> {
    if (this.#last) this.#say(strippedReplyOf(this.#last))
    return this.#chat(address, true)
  }

  #say(reply: Message): void {
    this.#messages = [...this.#messages, reply, { role: 'user', content: this.#question() }]
  }

  #question(): string {
    return `And what came next? This is question ${++this.#turns}.`
  }

  async #chat(address: Address, stripped: boolean): Promise<Turn> {
    const { model, keepOnDisk } = this.#contender
    const options = { max_tokens: REPLY_TOKENS, temperature: 0, stream_options: { include_usage: true }, ...keepOnDisk }
    const body = { model, messages: this.#messages, ...options }
    return this.#turn(await streamReply(address, '/v1/chat/completions', body), this.#last, stripped)
  }

  #turn(reply: StreamedReply, before: StreamedReply | null, stripped: boolean): Turn {
    const { tokens, ttft } = reply
    if (!tokens)
      throw new Error(`${this.#contender.name}: expected usage in the stream, got none; tokens are counted by it`)
    this.#last = reply
    const read = before?.tokens?.prompt ?? 0
    // The last token of a reply has been sampled and not read.
    const written = before && !stripped ? (before.tokens?.output ?? 0) - 1 : 0
    return { tokens, ttft, fresh: tokens.prompt - read - written }
  }
}

function replyOf({ text, reasoning }: StreamedReply): Message {
  const thought = reasoning === '' ? {} : { reasoning_content: reasoning }
  return { role: 'assistant', content: text, ...thought }
}

function strippedReplyOf({ text, reasoning }: StreamedReply): Message {
  if (reasoning !== '') return { role: 'assistant', content: text }
  const words = text.split(' ')
  return { role: 'assistant', content: words.slice(Math.ceil(words.length / 2)).join(' ') }
}
