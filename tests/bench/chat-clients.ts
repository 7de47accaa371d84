/** Clients that people use, as far as one turn of a chat needs them. Each asks the server to keep its prompts on disk. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import OpenAI from 'openai'
import { streamReply } from '../../clients/bench/stream.ts'

export interface ChatMessage {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** What a turn gave and cost, as the client was told. */
export interface ClientTurn {
  readonly text: string
  readonly prompt: number
  readonly cached: number
  readonly output: number
  /** Milliseconds until the client hands out the first text. */
  readonly ttft: number
}

export interface ChatClient {
  readonly name: string
  /** Sends a conversation; `url` is the server's, which changes with each start. */
  send(url: string, model: string, messages: readonly ChatMessage[]): Promise<ClientTurn>
}

const REPLY_TOKENS = 24
/** Requests that a client makes besides the conversation end here. */
const TASK_TOKENS = 48
const KEEP = { prompt_cache_retention: '24h' } as const

const openaiChat: ChatClient = {
  name: 'openai, chat.completions',
  async send(url, model, messages) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' })
    const since = performance.now()
    const stream = await client.chat.completions.create({
      model,
      messages: [...messages],
      max_completion_tokens: REPLY_TOKENS,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
      ...KEEP,
    })
    let [text, ttft] = ['', 0]
    let usage: OpenAI.CompletionUsage | null = null
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta.content ?? ''
      if (delta !== '' && ttft === 0) ttft = performance.now() - since
      text += delta
      usage = chunk.usage ?? usage
    }
    const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0
    return { text, ttft, prompt: usage?.prompt_tokens ?? 0, cached, output: usage?.completion_tokens ?? 0 }
  },
}

/** Sends the last message only, with the id of the response before. */
function openaiResponses(): ChatClient {
  let previous: string | null = null
  return {
    name: 'openai, responses by id',
    async send(url, model, messages) {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' })
      const since = performance.now()
      const stream = await client.responses.create({
        model,
        input: messages.at(-1)?.content ?? '',
        previous_response_id: previous,
        max_output_tokens: REPLY_TOKENS,
        temperature: 0,
        stream: true,
      })
      let [text, ttft] = ['', 0]
      let usage: OpenAI.Responses.ResponseUsage | undefined
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') {
          if (ttft === 0) ttft = performance.now() - since
          text += event.delta
        }
        if (event.type === 'response.completed' || event.type === 'response.incomplete') {
          previous = event.response.id
          usage = event.response.usage
        }
      }
      const cached = usage?.input_tokens_details.cached_tokens ?? 0
      return { text, ttft, prompt: usage?.input_tokens ?? 0, cached, output: usage?.output_tokens ?? 0 }
    },
  }
}

/** As much of the AI SDK as is called here; the packages are installed by peers/setup.sh. */
interface AiSdk {
  streamText(options: object): {
    readonly textStream: AsyncIterable<string>
    readonly usage: Promise<{ inputTokens?: number; cachedInputTokens?: number; outputTokens?: number }>
  }
}
interface OpenAICompatible {
  createOpenAICompatible(options: object): (model: string) => object
}

const aiSdk: ChatClient = {
  name: '@ai-sdk/openai-compatible',
  async send(url, model, messages) {
    const { streamText } = (await importPeer('ai')) as AiSdk
    const { createOpenAICompatible } = (await importPeer('@ai-sdk/openai-compatible')) as OpenAICompatible
    const provider = createOpenAICompatible({ name: 'mneme', baseURL: `${url}/v1`, includeUsage: true })
    const since = performance.now()
    const options = { maxOutputTokens: REPLY_TOKENS, temperature: 0, providerOptions: { mneme: KEEP } }
    const result = streamText({ model: provider(model), messages, ...options })
    let [text, ttft] = ['', 0]
    for await (const delta of result.textStream) {
      if (delta !== '' && ttft === 0) ttft = performance.now() - since
      text += delta
    }
    const { inputTokens = 0, cachedInputTokens = 0, outputTokens = 0 } = await result.usage
    return { text, ttft, prompt: inputTokens, cached: cachedInputTokens, output: outputTokens }
  },
}

async function importPeer(name: string): Promise<unknown> {
  const peers = join(import.meta.dirname, '../../.cache/peers/')
  return import(pathToFileURL(createRequire(peers).resolve(name)).href)
}

/** Requests that Open WebUI makes after a reply: the title and tags of a new chat, and follow-ups each time. */
const TASKS = ['Generate a concise title', 'Generate 1-3 broad tags', 'Suggest 3-5 follow-up questions']

const openWebUI: ChatClient = {
  name: 'like Open WebUI',
  async send(url, model, messages) {
    const options = { max_tokens: REPLY_TOKENS, temperature: 0, stream_options: { include_usage: true }, ...KEEP }
    const { text, ttft, tokens } = await streamReply({ url }, '/v1/chat/completions', { model, messages, ...options })
    if (!tokens) throw new Error('expected usage in the stream, got none')
    const history: ChatMessage[] = [...messages, { role: 'assistant', content: text }]
    const lines = history.map(({ role, content }) => `${role.toUpperCase()}: ${content}`).join('\n')
    for (const task of messages.length === 1 ? TASKS : TASKS.slice(-1)) {
      const content = `### Task:\n${task} for the chat history.\n### Chat History:\n<chat_history>\n${lines}\n</chat_history>`
      const body = { model, messages: [{ role: 'user', content }], stream: false, max_completion_tokens: TASK_TOKENS }
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })
      if (!answer.ok) throw new Error(await answer.text())
      await answer.text()
    }
    return { text, ttft, ...tokens }
  },
}

/** One of each. */
export const chatClients = (): ChatClient[] => [openaiChat, openaiResponses(), aiSdk, openWebUI]
