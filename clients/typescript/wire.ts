/** What goes over the wire: requests, objects and events, as the server writes them. */

export interface TextPart {
  readonly type: 'input_text' | 'output_text'
  readonly text: string
}

/** A message that a response reads or writes. */
export interface MessageItem {
  readonly type?: 'message'
  readonly id?: string
  readonly role: 'user' | 'assistant' | 'system' | 'developer'
  readonly content: string | readonly TextPart[]
}

/** Sampling that OpenAI's API does not have. */
export interface ExtraSampling {
  readonly top_k?: number
  readonly min_p?: number
  readonly repetition_penalty?: number
}

/** The body of POST /v1/responses, and what a WebSocket's response.create carries. */
export interface ResponseRequest {
  readonly model?: string
  readonly input?: string | readonly MessageItem[]
  readonly instructions?: string
  readonly previous_response_id?: string
  /** Goes on from the last response in it. */
  readonly conversation?: string | { readonly id: string }
  /** false: nothing is left behind on the server. */
  readonly store?: boolean
  readonly max_output_tokens?: number
  readonly temperature?: number
  readonly top_p?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly mneme?: ExtraSampling & {
    readonly seed?: number
    readonly stop?: string | readonly string[]
    readonly frequency_penalty?: number
    readonly presence_penalty?: number
    readonly logit_bias?: Readonly<Record<string, number>>
    /** Refuse if another bundle would answer. */
    readonly bundle?: string
    /** Send `mneme:progress` events while a long prompt is computed. */
    readonly progress?: boolean
    /** What the turn does with memories, and whose; docs/memory.md. */
    readonly memory?: { readonly mode?: 'on' | 'read' | 'off'; readonly namespace?: string; readonly user_id?: string }
    readonly gates?: {
      readonly semantic?: boolean
      readonly episodic?: boolean
      readonly verification?: boolean
      readonly expert_bias?: boolean
      readonly early_exit?: boolean | number
    }
    /** What is done with a reply that is wrong about its user; docs/critic.md. */
    readonly verify?: 'off' | 'annotate' | 'abstain' | 'quote' | 'rollback'
  }
}

/** Tokens of a response; `input_tokens` counts the whole conversation, `cached_tokens` what memory saved. */
export interface ResponseUsage {
  readonly input_tokens: number
  readonly input_tokens_details: { readonly cached_tokens: number }
  readonly output_tokens: number
  readonly total_tokens: number
  readonly mneme: MemoryUsage
}

/** What the memory of a session saved and cost. */
export interface MemoryUsage {
  readonly tokens_computed: number
  /** Tokens of the conversation that were not computed again. */
  readonly tokens_saved: number
  readonly state_bytes: number
  /** Where the memory was: with this connection, on disk, or rebuilt by a replay; null for a first turn. */
  readonly resumed_from: 'connection' | 'disk' | 'replay' | null
  /** Tokens that were computed again to rebuild a memory that had not been kept. */
  readonly tokens_replayed: number
  readonly tokens_truncated: number
  /** Whether what was rebuilt has the bits of what was; null where nothing was rebuilt. */
  readonly rebuilt: 'identical' | 'different' | 'unknown' | null
  /** What memories across conversations did; absent where they are off. */
  readonly memory?: {
    /** Memories that the reply has read. */
    readonly entries: readonly { readonly id: string; readonly score: number }[]
    /** Ids of memories that the turn added, and of those that do not hold any more. */
    readonly written: readonly string[]
    readonly ended: readonly string[]
  }
  /** What the critic found; absent where nothing was checked. */
  readonly verification?: {
    readonly policy: string
    readonly action: 'keep' | 'replaced' | 'retried'
    readonly result: 'supported' | 'contradicted' | 'unchecked' | 'error'
  }
}

export interface OutputMessage {
  readonly type: 'message'
  readonly id: string
  readonly role: 'assistant'
  readonly status: 'in_progress' | 'completed' | 'incomplete'
  readonly content: readonly TextPart[]
}

/** A response, finished or in progress. */
export interface ResponseObject {
  readonly id: string
  readonly object: 'response'
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly created_at: number
  readonly model: string
  readonly previous_response_id: string | null
  readonly conversation: { readonly id: string } | null
  readonly error: { readonly code: string; readonly message: string } | null
  readonly incomplete_details: { readonly reason: string } | null
  readonly output: readonly OutputMessage[]
  readonly usage: ResponseUsage | null
  /** `previous_response_id`: where the request named a conversation. */
  readonly mneme: { readonly seed: number; readonly bundle: string; readonly previous_response_id?: string }
}

interface Place {
  readonly sequence_number: number
  readonly output_index: number
}

interface PartPlace extends Place {
  readonly item_id: string
  readonly content_index: number
}

/** An event of a streamed response. Errors are thrown, never events. */
export type ResponseEvent =
  | {
      readonly type: 'response.created' | 'response.in_progress' | 'response.completed' | 'response.incomplete'
      readonly sequence_number: number
      readonly response: ResponseObject
    }
  | (Place & {
      readonly type: 'response.output_item.added' | 'response.output_item.done'
      readonly item: OutputMessage
    })
  | (PartPlace & {
      readonly type: 'response.content_part.added' | 'response.content_part.done'
      readonly part: TextPart
    })
  | {
      /** Where `mneme.progress` asked for it: so many tokens of the prompt have been computed. */
      readonly type: 'mneme:progress'
      readonly sequence_number: number
      readonly prefilled: number
      readonly total: number
    }
  | (PartPlace & { readonly type: 'response.output_text.delta'; readonly delta: string })
  | (PartPlace & { readonly type: 'response.output_text.done'; readonly text: string })

export interface ChatMessage {
  readonly role: 'user' | 'assistant' | 'system' | 'developer'
  readonly content: string
}

/** The body of POST /v1/chat/completions. */
export interface ChatRequest {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly n?: number
  readonly max_completion_tokens?: number
  readonly temperature?: number
  readonly top_p?: number
  readonly stop?: string | readonly string[]
  readonly seed?: number
  readonly mneme?: ExtraSampling
}

export type FinishReason = 'stop' | 'length'

export interface ChatUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

export interface ChatCompletion {
  readonly id: string
  readonly object: 'chat.completion'
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly message: { readonly role: 'assistant'; readonly content: string }
    readonly finish_reason: FinishReason
  }[]
  readonly usage: ChatUsage
}

export interface ChatChunk {
  readonly id: string
  readonly object: 'chat.completion.chunk'
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly delta: { readonly role?: 'assistant'; readonly content?: string }
    readonly finish_reason: FinishReason | null
  }[]
}

export interface ModelObject {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
  readonly mneme: { readonly bundle: string; readonly architecture: string }
}

/** What GET /version says of the server. */
export interface Version {
  readonly name: string
  readonly version: string
  readonly node: string
  readonly models: readonly {
    readonly name: string
    readonly bundle: string
    readonly architecture: string
    readonly parameters: number
    readonly state_bytes: number | null
  }[]
}
