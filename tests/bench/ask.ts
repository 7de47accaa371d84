/** A streamed request to a server process: what it cost, and when its first text came. */
import type { ServerProcess } from '../support/process.ts'

/** What is read of events of both protocols. */
interface Event {
  readonly type?: string
  readonly delta?: string
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[]
  readonly response?: { readonly id: string; readonly usage?: Usage }
  readonly usage?: Usage
}

interface Usage {
  readonly prompt_tokens?: number
  readonly input_tokens?: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
  readonly input_tokens_details?: { readonly cached_tokens: number }
}

export interface Measured {
  readonly id: string
  readonly prompt: number
  readonly cached: number
  readonly reply: string
  readonly firstMs: number
}

/** Streams a reply; the time is that of the first piece of text. */
export async function ask(server: ServerProcess, path: string, body: object): Promise<Measured> {
  const since = performance.now()
  const response = await server.post(path, { temperature: 0, stream: true, ...body })
  if (!response.ok) throw new Error(await response.text())
  let [firstMs, reply, id, all] = [0, '', '', '']
  let usage: Usage = {}
  for await (const chunk of response.body!) all = read(all + Buffer.from(chunk as Uint8Array).toString())
  return {
    id,
    reply,
    firstMs,
    prompt: usage.prompt_tokens ?? usage.input_tokens ?? 0,
    cached: (usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens ?? 0,
  }

  /** Reads whole events; returns what is left. */
  function read(seen: string): string {
    const events = seen.split('\n\n')
    for (const event of events.slice(0, -1)) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data === undefined || data === '[DONE]') continue
      const json = JSON.parse(data) as Event
      const isText = json.type === 'response.output_text.delta'
      const delta = json.choices?.[0]?.delta?.content ?? (isText ? (json.delta ?? '') : '')
      if (delta !== '' && firstMs === 0) firstMs = performance.now() - since
      reply += delta
      id = json.response?.id ?? id
      usage = json.usage ?? json.response?.usage ?? usage
    }
    return events.at(-1) ?? ''
  }
}
