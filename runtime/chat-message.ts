/** Messages, tools and options of a chat, in the shapes that chat templates of published models expect. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  /** `arguments` is an object, as templates expect it; text where the model wrote something else. */
  readonly function: { readonly name: string; readonly arguments: Json }
}

/** A function that the model may call, in the shape of chat completions. */
export interface Tool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string
    /** JSON schema of its arguments. */
    readonly parameters?: Json
  }
}

export interface Message {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content: string
  /** What the assistant thought before it wrote `content`; templates differ in the name. */
  readonly reasoning_content?: string
  readonly reasoning?: string
  readonly thinking?: string
  /** Never empty. */
  readonly tool_calls?: readonly ToolCall[]
  /** Of a tool's message: the call that it answers, and the function's name. */
  readonly tool_call_id?: string
  readonly name?: string
}

export interface ChatOptions {
  /** The messages follow an existing conversation: ids for what comes after the end of the last reply, at constant cost. */
  readonly continued: boolean
  /** Ends with the template's prompt for the assistant's reply. */
  readonly generate: boolean
  /** Functions that the model may call. */
  readonly tools?: readonly Tool[]
  /** Further variables of the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, Json>>
}
