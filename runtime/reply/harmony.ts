/** Harmony, the format of gpt-oss: messages with a channel, of which some are addressed to a function. */
import { isJsonObject } from './json-call.ts'
import { marked, spelledOut, withoutMarked } from './mark.ts'
import type { CallableTools, ReplyEvent, ReplyParser } from './parser.ts'
import { Scanner } from './scanner.ts'
import type { ToolFormat } from './tool-format.ts'

export const HARMONY_TOKENS = [
  '<|start|>',
  '<|channel|>',
  '<|constrain|>',
  '<|message|>',
  '<|end|>',
  '<|call|>',
  '<|return|>',
]
const MESSAGE = marked('<|message|>')
const ENDS = ['<|end|>', '<|call|>', '<|return|>', '<|start|>'].map(marked)

export const harmony: ToolFormat = {
  name: 'harmony',
  matches: (template, has) => template.includes('<|channel|>') && has('<|channel|>'),
  open: ['<|channel|>'],
  close: ['<|call|>'],
  bare: false,
  inner: HARMONY_TOKENS,
  parse: () => undefined,
  opening: (name) => ({
    delimiter: '<|channel|>',
    text: `commentary to=functions.${name === null ? '' : `${name} <|constrain|>json<|message|>`}`,
  }),
}

/** Parses messages: the channel `analysis` is reasoning, a message to a function a call, all others text. */
export class HarmonyParser implements ReplyParser {
  readonly #tools: CallableTools | null
  readonly #scanner = new Scanner()
  readonly #events: ReplyEvent[] = []
  #header: string | null = ''
  /** Of a message to a function: its name, and the arguments so far. */
  #recipient: string | null = null
  #channel = ''
  #body = ''

  /** `tools` is null where none may be called. */
  constructor(tools: CallableTools | null) {
    this.#tools = tools
  }

  push(text: string): ReplyEvent[] {
    this.#scanner.push(text)
    while (this.#step()) continue
    return this.#events.splice(0)
  }

  end(): ReplyEvent[] {
    const rest = this.#scanner.rest()
    if (this.#header === null) {
      this.#take(rest)
      this.#endMessage()
    } else if (!(this.#header + rest).includes(marked('<|channel|>')))
      this.#emit('text', withoutMarked(this.#header + rest))
    return this.#events.splice(0)
  }

  #step(): boolean {
    const { text, delimiter } = this.#scanner.next(this.#header === null ? ENDS : [MESSAGE])
    if (this.#header === null) this.#take(text)
    else this.#header += text
    if (delimiter === null) return false
    if (this.#header === null) this.#endMessage()
    else this.#beginMessage(spelledOut(this.#header))
    return true
  }

  #beginMessage(header: string): void {
    this.#channel = /<\|channel\|>\s*(\w+)/.exec(header)?.[1] ?? ''
    this.#recipient = /\bto=functions\.([^\s<]+)/.exec(header)?.[1] ?? null
    this.#body = ''
    this.#header = null
  }

  #take(raw: string): void {
    const text = withoutMarked(raw)
    if (this.#recipient !== null) this.#body += text
    else this.#emit(this.#channel === 'analysis' ? 'reasoning' : 'text', text)
  }

  #endMessage(): void {
    const [name, text] = [this.#recipient, this.#body]
    this.#header = ''
    this.#recipient = null
    if (name === null) return
    const call = { name, arguments: text.trim() === '' ? '{}' : text.trim() }
    const readable = isJsonObject(call.arguments)
    const problem = readable ? (this.#tools ?? NO_TOOLS).problemOf(call) : 'its arguments are no object of JSON'
    if (problem === null) this.#events.push({ kind: 'call', ...call })
    else {
      this.#events.push({ kind: 'rejected', name, reason: problem })
      this.#emit('text', text)
    }
  }

  #emit(kind: 'text' | 'reasoning', text: string): void {
    if (text !== '') this.#events.push({ kind, text })
  }
}

const NO_TOOLS: CallableTools = { schemaOf: () => undefined, problemOf: () => 'no tool may be called' }
