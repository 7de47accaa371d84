/** One question to a server, with what the answer cost and how sure the model was of it. */
import { confidenceOf } from './likelihood.ts'
import type { ServerClient } from './server-client.ts'

/** What a request says of memories and of the critic; docs/memory.md, docs/critic.md. */
export interface MnemeFields {
  readonly memory?: { readonly mode: 'on' | 'read' | 'off'; readonly user_id?: string }
  readonly verify?: string
  readonly stop?: readonly string[]
  /** Gates that the request decides, by name; docs/memory.md. */
  readonly gates?: Readonly<Record<string, boolean>>
}

/** What a controller or thresholds decided in a turn, and by which features. */
export interface ToldGates {
  readonly features: Readonly<Record<string, number>>
  readonly [gate: string]: unknown
}

export interface Asked {
  readonly id: string
  readonly text: string
  /** exp of the mean log-probability of the reply's tokens; 1 where the critic wrote the reply, null for an empty one. */
  readonly confidence: number | null
  /** Milliseconds. */
  readonly latency: number
  /** Tokens that the server computed. */
  readonly tokens: number
  /** Tokens of the reply. */
  readonly generated: number
  /** Ids of the memories that the reply has read. */
  readonly memories: readonly string[]
  /** Memories that the turn added. */
  readonly written: readonly string[]
  /** What the critic found: supported, contradicted or unchecked; null where it was not asked. */
  readonly verdict: string | null
  /** Null where the server tells none. */
  readonly gates: ToldGates | null
}

interface Reply {
  readonly id: string
  readonly output: readonly {
    readonly type: string
    readonly content?: readonly { readonly text: string; readonly logprobs?: readonly { readonly logprob: number }[] }[]
  }[]
  readonly usage: {
    readonly output_tokens: number
    readonly mneme: {
      readonly tokens_computed: number
      readonly memory?: { readonly entries: readonly { readonly id: string }[]; readonly written: readonly string[] }
      readonly verification?: { readonly action: string; readonly result: string }
      readonly gates?: ToldGates
    }
  }
}

export interface AskOptions {
  readonly instructions?: string
  readonly previous?: string | undefined
  readonly store?: boolean
  /** Tokens of the reply at most. */
  readonly most: number
  readonly mneme: MnemeFields
}

/** Sends one message greedily. Throws ServerError. */
export async function ask(
  client: ServerClient,
  input: string,
  { instructions, previous, store = false, most, mneme }: AskOptions,
): Promise<Asked> {
  const request = {
    model: await client.model(),
    input,
    ...(instructions === undefined ? {} : { instructions }),
    ...(previous === undefined ? {} : { previous_response_id: previous }),
    store,
    temperature: 0,
    max_output_tokens: most,
    include: ['message.output_text.logprobs'],
    mneme,
  }
  const began = performance.now()
  const { id, output, usage } = await client.call<Reply>('/v1/responses', request)
  const latency = performance.now() - began
  const parts = output.flatMap(({ type, content }) => (type === 'message' ? (content ?? []) : []))
  const costs = parts.flatMap(({ logprobs = [] }) => logprobs.map(({ logprob }) => logprob))
  const { memory, verification, gates = null, tokens_computed: tokens } = usage.mneme
  const wasReplaced = verification?.action === 'replaced'
  return {
    id,
    text: parts.map(({ text }) => text).join(''),
    confidence: wasReplaced ? 1 : confidenceOf(costs),
    latency,
    tokens,
    generated: usage.output_tokens,
    memories: memory?.entries.map(({ id }) => id) ?? [],
    written: memory?.written ?? [],
    verdict: verification?.result ?? null,
    gates,
  }
}
