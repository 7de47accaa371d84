/** Clients that send the whole conversation with each request, and what the server computed for them. */
import { expect } from 'vitest'
import { startTestServer, type Json, type TestOptions } from './test-server.ts'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** What one request cost. */
export interface Cost {
  readonly reply: string
  readonly prompt: number
  readonly cached: number
  /** Tokens that were fed to the model before the reply. */
  readonly computed: number
  readonly generated: number
}

/** A server over the fake model that counts the tokens of prompts that it computes. */
export async function countingServer(options: TestOptions = {}) {
  let computed = 0
  const onCall: TestOptions['onCall'] = ({ kind, ids }) => {
    if (kind === 'prefill') computed += ids.length
  }
  const server = await startTestServer({ ...options, onCall })
  const measure = async <T>(work: () => Promise<T>): Promise<{ result: T; computed: number }> => {
    const before = computed
    const result = await work()
    return { result, computed: computed - before }
  }
  /** One chat completion; `more` are further fields of the request. */
  const chat = async (messages: readonly ChatMessage[], more: Json = {}, key?: string): Promise<Cost> => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const body = { model: 'fake', messages, max_tokens: 12, seed: 3, ...more }
    const measured = await measure(() => server.post('/v1/chat/completions', body, headers))
    const { status, json } = measured.result
    expect([status, json.error?.message]).toEqual([200, undefined])
    return costOf(json.choices[0].message.content, json.usage, measured.computed)
  }
  return { server, chat, measure }
}

export function costOf(reply: string, usage: Json, computed: number): Cost {
  const { prompt_tokens: prompt, completion_tokens: generated, prompt_tokens_details: details } = usage
  return { reply, prompt, cached: details.cached_tokens, computed, generated }
}

/** Tokens of one message in the byte codec's chat format: its role, its bytes, its end. */
export const tokensOf = (content: string): number => Buffer.from(content).length + 2
