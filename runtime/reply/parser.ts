/** Takes a reply apart while it grows: text, reasoning, and calls of tools. */
import { marked, spelledOut, withoutMarked } from './mark.ts'
import { Scanner } from './scanner.ts'
import type { ParsedCall, ReasoningDelimiters, SchemaOf, ToolFormat } from './tool-format.ts'

export type ReplyEvent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  /** A call that is complete and fits its function's schema. */
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string }
  /** What was no call after all; its text follows as text. */
  | { readonly kind: 'rejected'; readonly name: string | null; readonly reason: string }

/** The functions that may be called. */
export interface CallableTools {
  readonly schemaOf: SchemaOf
  /** Why a call cannot be made; null if it can. */
  problemOf(call: ParsedCall): string | null
}

export interface ReplyParser {
  /** Takes the next text of a reply, in which tokens are marked. */
  push(text: string): ReplyEvent[]
  /** The reply is over. */
  end(): ReplyEvent[]
}

export interface ParserOptions {
  /** Delimiters that are tokens of the vocabulary: as text they mean nothing. */
  readonly tokens: ReadonlySet<string>
  readonly reasoning: ReasoningDelimiters | null
  /** Null where no tool may be called. */
  readonly format: ToolFormat | null
  readonly tools: CallableTools
  /** The prompt has begun the reasoning. */
  readonly inReasoning: boolean
}

/** A parser of replies in which delimiters begin and end everything that is not text. */
export class DelimitedParser implements ReplyParser {
  readonly #options: ParserOptions
  readonly #scanner = new Scanner()
  readonly #events: ReplyEvent[] = []
  #state: 'text' | 'reasoning' | 'call'
  /** Delimiters that open a call, and that end one; those of reasoning. */
  readonly #open: readonly string[]
  readonly #close: readonly string[]
  readonly #think: readonly string[]
  /** White space that is text only if text follows. */
  #space = ''
  /** Nothing but white space and reasoning has come: a brace may begin a call, and text the reasoning. */
  #fresh = true
  /** White space before the next text belongs to the delimiter before it. */
  #trim: boolean
  /** A call as it was written, with the white space before it. */
  #raw = ''
  #body = ''
  #called = false

  constructor(options: ParserOptions) {
    const { format, reasoning, tokens, inReasoning } = options
    const written = (delimiter: string): string => (tokens.has(delimiter) ? marked(delimiter) : delimiter)
    this.#options = options
    this.#open = (format?.open ?? []).map(written)
    this.#close = (format?.close ?? []).map(written)
    this.#think = reasoning ? [written(reasoning.open), written(reasoning.close)] : []
    this.#state = inReasoning ? 'reasoning' : 'text'
    this.#trim = inReasoning
  }

  push(text: string): ReplyEvent[] {
    this.#scanner.push(text)
    while (this.#step()) continue
    return this.#events.splice(0)
  }

  end(): ReplyEvent[] {
    const rest = this.#scanner.rest()
    if (this.#state === 'call') {
      this.#body += rest
      this.#raw += rest
      this.#endCall()
    } else if (this.#state === 'reasoning') this.#reasoning(rest)
    else {
      this.#text(rest)
      if (!this.#called) this.#emit('text', this.#space)
    }
    return this.#events.splice(0)
  }

  /** Takes what is certain up to the next delimiter; returns whether there was one. */
  #step(): boolean {
    if (this.#state === 'text') return this.#stepText()
    return this.#state === 'reasoning' ? this.#stepReasoning() : this.#stepCall()
  }

  #stepText(): boolean {
    if (this.#fresh && this.#options.format?.bare === true && this.#scanner.held.trimStart().startsWith('{')) {
      this.#beginCall('')
      return true
    }
    const [think, unthink] = this.#think
    const known = [think, unthink].filter((one) => one !== undefined && (this.#fresh || one !== withoutMarked(one)))
    const { text, delimiter } = this.#scanner.next([...this.#open, ...known.filter((one) => one !== undefined)])
    this.#text(text)
    if (delimiter === null) return false
    if (this.#open.includes(delimiter)) this.#beginCall(delimiter)
    else if (delimiter === think && (this.#fresh || delimiter !== withoutMarked(delimiter))) {
      this.#state = 'reasoning'
      this.#trim = true
      this.#space = ''
    } else this.#text(delimiter)
    return true
  }

  #stepReasoning(): boolean {
    const { text, delimiter } = this.#scanner.next([this.#think[1] as string])
    this.#reasoning(text)
    if (delimiter === null) return false
    this.#state = 'text'
    this.#space = ''
    this.#trim = true
    return true
  }

  #stepCall(): boolean {
    const ends = this.#close.length > 0 ? this.#close : this.#open
    const { text, delimiter } = this.#scanner.next(ends)
    this.#body += text
    this.#raw += text
    if (delimiter === null) return false
    const closed = this.#close.includes(delimiter)
    if (closed) this.#raw += delimiter
    this.#endCall()
    if (!closed) this.#beginCall(delimiter)
    return true
  }

  #beginCall(delimiter: string): void {
    this.#state = 'call'
    this.#raw = this.#space + delimiter
    this.#body = ''
    this.#space = ''
    this.#fresh = false
  }

  #endCall(): void {
    const { format, tools } = this.#options
    this.#state = 'text'
    const calls = format?.parse(spelledOut(this.#body), tools.schemaOf)
    const problems = calls?.map((call) => ({ name: call.name, reason: tools.problemOf(call) })) ?? [
      { name: null, reason: `it is no call in the format ${format?.name ?? ''}` },
    ]
    const rejected = problems.find(({ reason }) => reason !== null)
    if (!rejected) {
      for (const call of calls ?? []) this.#events.push({ kind: 'call', ...call })
      this.#called = true
      return
    }
    this.#events.push({ kind: 'rejected', name: rejected.name, reason: rejected.reason as string })
    this.#emit('text', spelledOut(this.#raw))
    this.#trim = false
  }

  #text(raw: string): void {
    const text = withoutMarked(raw)
    if (text !== raw) this.#fresh = false
    const kept = this.#trim ? text.trimStart() : text
    if (kept === '') return
    const whole = this.#space + kept
    const shown = whole.trimEnd()
    this.#space = whole.slice(shown.length)
    if (shown === '') return
    this.#emit('text', shown)
    this.#fresh = false
    this.#trim = false
  }

  #reasoning(raw: string): void {
    const text = withoutMarked(raw)
    const kept = this.#trim ? text.trimStart() : text
    if (kept === '') return
    const whole = this.#space + kept
    const shown = whole.trimEnd()
    this.#space = whole.slice(shown.length)
    this.#emit('reasoning', shown)
    this.#trim = false
  }

  #emit(kind: 'text' | 'reasoning', text: string): void {
    if (text !== '') this.#events.push({ kind, text })
  }
}
