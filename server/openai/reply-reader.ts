/** Reads a reply while it grows: text, reasoning and calls of tools, which are complete and fit their schemas. */
import type { CallableTools, ReplyEvent, ReplyParser } from '../../runtime/reply/parser.ts'
import { createReplyParser, type ReplyFormat } from '../../runtime/reply/reply-format.ts'
import type { Json } from '../../runtime/text.ts'
import { newId } from '../conversation.ts'
import type { FinishReason } from '../engine/messages.ts'
import { schemaProblem } from './json-schema.ts'
import type { ReplyPlan } from './reply-plan.ts'

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; readonly arguments: string }

/** A call that was none: it is text of the reply, and this says why. */
export interface RejectedCall {
  readonly name: string | null
  readonly reason: string
}

export class ReplyReader {
  readonly #plan: ReplyPlan
  readonly rejected: RejectedCall[] = []
  #parser: ReplyParser | null = null
  #calls = 0

  constructor(plan: ReplyPlan) {
    this.#plan = plan
  }

  /** The prompt has been read; it may have begun the reasoning. */
  begin(inReasoning: boolean): void {
    const { structured, format, tools, opening } = this.#plan
    if (!structured) return
    this.#parser = createReplyParser(format, tools && callable(this.#plan), inReasoning)
    this.#parser.push(opening)
  }

  push(text: string): Part[] {
    return this.#parser ? this.#partsOf(this.#parser.push(text)) : textPart(text)
  }

  end(): Part[] {
    const parts = this.#parser ? this.#partsOf(this.#parser.end()) : []
    const { forced } = this.#plan
    if (forced && this.#calls === 0 && this.rejected.length === 0)
      this.rejected.push({ name: forced.name, reason: 'the reply has no call' })
    return parts
  }

  /** OpenAI's word for how the reply ended. */
  finishReason(reason: FinishReason): 'stop' | 'length' | 'tool_calls' {
    if (reason === 'length') return 'length'
    return this.#calls > 0 ? 'tool_calls' : 'stop'
  }

  #partsOf(events: readonly ReplyEvent[]): Part[] {
    return events.flatMap((event): Part[] => {
      if (event.kind === 'rejected') {
        this.rejected.push({ name: event.name, reason: event.reason })
        return []
      }
      // Where one call is asked for, the reply ends with it.
      if (!this.#plan.parallel && this.#calls > 0) return []
      if (event.kind === 'call') {
        this.#calls++
        return [{ ...event, id: callId(this.#plan.format) }]
      }
      return event.kind === 'text' || this.#plan.showReasoning ? [event] : []
    })
  }
}

/** Mistral's templates take ids of nine letters and digits only. */
function callId({ tools }: ReplyFormat): string {
  const id = newId('call')
  return tools === 'mistral' ? id.slice(-9) : id
}

function textPart(text: string): Part[] {
  return text === '' ? [] : [{ kind: 'text', text }]
}

function callable({ tools, forced }: ReplyPlan): CallableTools {
  const functions = new Map((tools ?? []).map((tool) => [tool.function.name, tool.function]))
  return {
    schemaOf: (name) => functions.get(name)?.parameters,
    problemOf({ name, arguments: text }) {
      const found = functions.get(name)
      if (!found) return `there is no function '${name.slice(0, 100)}'`
      if (forced?.name != null && forced.name !== name) return `the function '${forced.name}' was asked for`
      const value = parsed(text)
      if (value === undefined) return 'its arguments are no JSON'
      return schemaProblem(value, { type: 'object', ...(found.parameters as object) })
    },
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** What is told of a text: without a format all of it is text, also where only tokens are told. */
export function partsOf(reader: ReplyReader, { structured }: ReplyPlan, text: string): Part[] {
  return structured ? reader.push(text) : [{ kind: 'text', text }]
}
