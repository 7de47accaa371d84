/** The output items of a response while they grow, with their events: reasoning, messages, calls of functions. */
import type { TokenLogprob } from '../engine/messages.ts'
import { argumentPieces } from './chat-reply.ts'
import type { HeldReply } from './held-replies.ts'
import { JsonList } from './json-text.ts'
import { itemIdOf, reasoningItem } from './response-input.ts'
import type { Annotation } from './citations.ts'
import type { SearchItem } from './file-search.ts'
import type { Part } from './reply-reader.ts'
import { entryOf } from './logprob-entry.ts'

type Json = Record<string, unknown>

/** An event without its sequence number. */
export type OutputEvent = readonly [type: string, fields: Json]

/** An item that text is added to. */
interface OpenItem {
  readonly kind: 'message' | 'reasoning'
  readonly id: string
  readonly index: number
  text: string
  readonly logprobs: JsonList
  annotations: readonly Annotation[]
}

/** What a text of the reply cites. */
export type Cite = (text: string) => readonly Annotation[]

export class ResponseOutput {
  readonly #response: string
  readonly #held: HeldReply
  readonly #items: Json[] = []
  readonly #counts = { msg: 0, rs: 0, fc: 0, fs: 0 }
  #open: OpenItem | null = null
  #tokens: TokenLogprob[] = []

  /** What is kept of the reply is counted into `held`. */
  constructor(response: string, held: HeldReply) {
    this.#response = response
    this.#held = held
  }

  get items(): readonly Json[] {
    return this.#items
  }

  /** Takes what the reply goes on with, and the tokens that it was made of. */
  take(parts: readonly Part[], tokens: readonly TokenLogprob[]): OutputEvent[] {
    for (const token of tokens) this.#tokens.push(token)
    return parts.flatMap((part) => (part.kind === 'call' ? this.#call(part) : this.#delta(part)))
  }

  /** The output ends; it has at least a message. What stands last of it is cited for. */
  close(incomplete: boolean, cite: Cite): OutputEvent[] {
    const begun = this.#items.length > this.#counts.fs || this.#open ? [] : this.#begin('message')
    return [...begun, ...this.#annotate(cite), ...this.#end(incomplete ? 'incomplete' : 'completed')]
  }

  /** Adds a search that is over, before the reply. */
  search({ queries, results }: SearchItem): OutputEvent[] {
    const id = this.#newId('fs')
    const place = { item_id: id, output_index: this.#items.length }
    const item = { id, type: 'file_search_call', status: 'completed', queries, results }
    const begun = { ...item, status: 'in_progress', queries: [], results: null }
    this.#items.push(item)
    return [
      ['response.output_item.added', { output_index: place.output_index, item: begun }],
      ['response.file_search_call.in_progress', place],
      ['response.file_search_call.searching', place],
      ['response.file_search_call.completed', place],
      ['response.output_item.done', { output_index: place.output_index, item }],
    ]
  }

  /** Adds an item that is whole. */
  add(item: Json): OutputEvent[] {
    const place = { output_index: this.#items.length, item }
    this.#items.push(item)
    return [
      ['response.output_item.added', place],
      ['response.output_item.done', place],
    ]
  }

  #delta(part: Part & { kind: 'text' | 'reasoning' }): OutputEvent[] {
    const kind = part.kind === 'text' ? 'message' : 'reasoning'
    const events = this.#open?.kind === kind ? [] : [...this.#end('completed'), ...this.#begin(kind)]
    const item = this.#open as OpenItem
    this.#held.add(part.text.length)
    item.text += part.text
    if (kind === 'reasoning')
      return [...events, ['response.reasoning_text.delta', { ...placeOf(item), delta: part.text }]]
    const logprobs = this.#tokens.splice(0).map(entryOf)
    for (const entry of logprobs) this.#held.add(item.logprobs.push(entry))
    return [...events, ['response.output_text.delta', { ...placeOf(item), delta: part.text, logprobs }]]
  }

  #begin(kind: OpenItem['kind']): OutputEvent[] {
    const id = this.#newId(kind === 'message' ? 'msg' : 'rs')
    const item: OpenItem = { kind, id, index: this.#items.length, text: '', logprobs: new JsonList(), annotations: [] }
    this.#open = item
    const added = { output_index: item.index, item: { ...itemOf(item, 'in_progress'), content: [] } }
    return [
      ['response.output_item.added', added],
      ['response.content_part.added', { ...placeOf(item), part: { ...partOf(item), ...emptyLists(kind) } }],
    ]
  }

  #annotate(cite: Cite): OutputEvent[] {
    const item = this.#open
    if (item?.kind !== 'message') return []
    item.annotations = cite(item.text)
    return item.annotations.map((annotation, at): OutputEvent => [
      'response.output_text.annotation.added',
      { ...placeOf(item), annotation_index: at, annotation },
    ])
  }

  #end(status: string): OutputEvent[] {
    const item = this.#open
    if (!item) return []
    this.#open = null
    const whole = itemOf(item, status)
    this.#items.push(whole)
    const { text, logprobs } = item
    const done: OutputEvent =
      item.kind === 'message'
        ? ['response.output_text.done', { ...placeOf(item), text, logprobs }]
        : ['response.reasoning_text.done', { ...placeOf(item), text }]
    return [
      done,
      ['response.content_part.done', { ...placeOf(item), part: partOf(item) }],
      ['response.output_item.done', { output_index: item.index, item: whole }],
    ]
  }

  #call(part: Part & { kind: 'call' }): OutputEvent[] {
    const ended = this.#end('completed')
    const { id: call_id, name, arguments: text } = part
    this.#held.add(text.length)
    const id = this.#newId('fc')
    const item = { id, type: 'function_call', status: 'completed', call_id, name, arguments: text }
    const place = { item_id: id, output_index: this.#items.length }
    const begun = { ...item, status: 'in_progress', arguments: '' }
    this.#items.push(item)
    return [
      ...ended,
      ['response.output_item.added', { output_index: place.output_index, item: begun }],
      ...argumentPieces(text).map((delta): OutputEvent => [
        'response.function_call_arguments.delta',
        { ...place, delta },
      ]),
      ['response.function_call_arguments.done', { ...place, name, arguments: text }],
      ['response.output_item.done', { output_index: place.output_index, item }],
    ]
  }

  #newId(prefix: 'msg' | 'rs' | 'fc' | 'fs'): string {
    return itemIdOf(this.#response, prefix, this.#counts[prefix]++)
  }
}

function itemOf(item: OpenItem, status: string): Json {
  if (item.kind === 'reasoning') return reasoningItem(item.id, item.text, status)
  return { id: item.id, type: 'message', status, role: 'assistant', content: [partOf(item)] }
}

function partOf({ kind, text, logprobs, annotations }: OpenItem): Json {
  return kind === 'reasoning' ? { type: 'reasoning_text', text } : { type: 'output_text', text, annotations, logprobs }
}

/** A part that has just begun has lists of its own, which do not grow. */
function emptyLists(kind: OpenItem['kind']): Json {
  return kind === 'message' ? { logprobs: [] } : {}
}

function placeOf({ id, index }: OpenItem): Json {
  return { item_id: id, output_index: index, content_index: 0 }
}
