/** One streamed reply of a server that speaks OpenAI's protocol: what it cost, and when its pieces came. */
import { readEvents } from '../typescript/event-stream.ts'

/** Where a server answers, and with which key. */
export interface Address {
  readonly url: string
  readonly apiKey?: string | undefined
}

export interface StreamedReply {
  /** Of POST /v1/responses: what the next one continues from. */
  readonly id: string
  /** The text, without what the server sent apart as reasoning. */
  readonly text: string
  readonly reasoning: string
  /** As the server's usage says; null where it sends none. */
  readonly tokens: TokenCounts | null
  /** Time to first token: milliseconds from sending the request to the first text. */
  readonly ttft: number
  /** Inter-token latencies: milliseconds between pieces of text. A piece may hold several tokens. */
  readonly itl: readonly number[]
  /** Milliseconds from sending the request to the last piece of text. */
  readonly duration: number
}

export interface TokenCounts {
  readonly prompt: number
  /** Tokens of the prompt that were not computed again. */
  readonly cached: number
  readonly output: number
}

/** What is read of the events of chat completions, completions and responses. */
interface Event {
  readonly type?: string
  readonly delta?: string
  readonly choices?: readonly {
    readonly text?: string
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null }
  }[]
  readonly response?: { readonly id: string; readonly usage?: Usage | null } | null
  readonly usage?: Usage | null
  readonly error?: { readonly message?: string } | null
}

interface Usage {
  readonly prompt_tokens?: number
  readonly input_tokens?: number
  readonly completion_tokens?: number
  readonly output_tokens?: number
  readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null
  readonly input_tokens_details?: { readonly cached_tokens?: number } | null
}

/** Sends `body` to `path` with `stream: true` and reads the reply to its end. Throws what the server refused. */
export async function streamReply({ url, apiKey }: Address, path: string, body: object): Promise<StreamedReply> {
  const headers = {
    'content-type': 'application/json',
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  }
  const since = performance.now()
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...body, stream: true }),
  })
  if (!answer.ok || answer.body === null) throw new Error(`${url}${path}: ${await refusalOf(answer)}`)
  const times: number[] = []
  let [id, text, reasoning] = ['', '', '']
  let usage: Usage | null = null
  for await (const data of readEvents(answer.body)) {
    const event = data as Event
    if (event.error) throw new Error(`${url}${path}: ${event.error.message ?? JSON.stringify(event.error)}`)
    const choice = event.choices?.[0]
    const said = choice?.delta?.content ?? choice?.text ?? deltaOf(event, 'response.output_text.delta')
    const thought = choice?.delta?.reasoning_content ?? deltaOf(event, 'response.reasoning_text.delta')
    if (said !== '' || thought !== '') times.push(performance.now() - since)
    text += said
    reasoning += thought
    id = event.response?.id ?? id
    usage = event.usage ?? event.response?.usage ?? usage
  }
  const end = performance.now() - since
  return {
    id,
    text,
    reasoning,
    tokens: usage && countsOf(usage),
    ttft: times[0] ?? end,
    itl: times.slice(1).map((time, i) => time - times[i]!),
    duration: times.at(-1) ?? end,
  }
}

function deltaOf({ type, delta }: Event, wanted: string): string {
  return type === wanted ? (delta ?? '') : ''
}

function countsOf(usage: Usage): TokenCounts {
  const details = usage.prompt_tokens_details ?? usage.input_tokens_details
  return {
    prompt: usage.prompt_tokens ?? usage.input_tokens ?? 0,
    cached: details?.cached_tokens ?? 0,
    output: usage.completion_tokens ?? usage.output_tokens ?? 0,
  }
}

async function refusalOf(answer: Response): Promise<string> {
  const text = await answer.text()
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } | string }
    const message = typeof error === 'string' ? error : error?.message
    if (message !== undefined) return `${message} (status ${answer.status})`
  } catch {
    // Not JSON: shown as it is.
  }
  return `expected a streamed reply, got status ${answer.status}: ${text.slice(0, 200)}`
}
