/** How a family of models writes calls of tools. */
import type { Json } from '../chat-message.ts'

export interface ParsedCall {
  readonly name: string
  /** JSON, as the model wrote it where it wrote JSON. */
  readonly arguments: string
}

/** What stands before and after reasoning. */
export interface ReasoningDelimiters {
  readonly open: string
  readonly close: string
}

/** The schema of a function's arguments; undefined if there is no such function. */
export type SchemaOf = (name: string) => Json | undefined

export interface ToolFormat {
  readonly name: string
  /** Whether a chat template writes calls like this. `has` says whether the vocabulary has a token. */
  matches(template: string, has: (token: string) => boolean): boolean
  /** What begins a call. */
  readonly open: readonly string[]
  /** What ends it; empty: the next one, or the end of the reply. */
  readonly close: readonly string[]
  /** A reply that begins with a brace is a call. */
  readonly bare: boolean
  /** Further tokens that mean something within a call. */
  readonly inner: readonly string[]
  /** The calls between `open` and `close`; undefined if they are none. */
  parse(body: string, schemaOf: SchemaOf): ParsedCall[] | undefined
  /** What a reply begins with that has to call that function, or any: the opening delimiter, and text after it. */
  opening(name: string | null): { readonly delimiter: string; readonly text: string }
}
