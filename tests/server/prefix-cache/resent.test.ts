/** Conversations that are sent whole with each request: only what is new is computed. */
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { countingServer, tokensOf, type ChatMessage } from '../../support/chat-sessions.ts'
import type { Json } from '../../support/test-server.ts'

const system: ChatMessage = {
  role: 'system',
  content: 'You answer in short sentences, and you never guess. '.repeat(3),
}
const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })

/** The role token before a reply; of a reply that was cut off, its last token is fed with it. */
const PROMPT_FOR_REPLY = 1

describe('a conversation that is sent whole', () => {
  test('computes the last token of the reply before, and the new message', async () => {
    const { chat } = await countingServer()
    const messages: ChatMessage[] = [system]
    let total = 0
    for (let turn = 0; turn < 6; turn++) {
      messages.push(user(`message ${turn}`))
      const cost = await chat(messages)
      const whole = messages.reduce((sum, { content }) => sum + tokensOf(content), PROMPT_FOR_REPLY)
      expect(cost.prompt).toBe(whole)
      expect(cost.computed).toBe(cost.prompt - cost.cached)
      // All tokens of the turn before were fed but the reply's last one; its end token is the template's.
      if (turn > 0) expect(cost.cached).toBe(total - 1)
      total = cost.prompt + cost.generated
      messages.push(assistant(cost.reply))
    }
  })

  test('is the same with and without the cache: the replies, and what was computed and saved together', async () => {
    const cached = await countingServer()
    const cold = await countingServer({ prefixCache: 0 })
    const messages: ChatMessage[] = [system]
    for (let turn = 0; turn < 4; turn++) {
      messages.push(user(`message ${turn}`))
      const [a, b] = [await cached.chat(messages, { n: 2 }), await cold.chat(messages, { n: 2 })]
      expect([a.reply, a.prompt]).toEqual([b.reply, b.prompt])
      expect([b.cached, b.computed]).toEqual([0, b.prompt])
      messages.push(assistant(a.reply))
    }
  })

  test('of which the reply is made again computes what the template writes before a reply', async () => {
    const { chat } = await countingServer()
    const messages = [system, user('hello')]
    const first = await chat(messages)
    const again = await chat(messages)
    expect(again).toMatchObject({ reply: first.reply, cached: first.prompt - 1, computed: PROMPT_FOR_REPLY })
    const other = await chat(messages, { seed: 4 })
    expect(other).toMatchObject({ computed: PROMPT_FOR_REPLY })
  })

  test('of which the last message is edited computes the edited message', async () => {
    const { chat } = await countingServer()
    const before = [system, user('What is the capital of France?')]
    const { reply } = await chat(before)
    const history = [...before, assistant(reply)]
    await chat([...history, user('And of Spain? I have never been there.')])
    const edited = await chat([...history, user('And of Italy?')])
    // The reply's last token or end, then the message and the role token before the reply.
    expect(edited.computed).toBeLessThanOrEqual(1 + tokensOf('And of Italy?') + PROMPT_FOR_REPLY + 1)
  })

  test('of which the reply comes back changed computes the reply and what follows', async () => {
    const { chat } = await countingServer()
    const before = [system, user('hello')]
    const first = await chat(before)
    // As a client does that strips what a model thought before it answered.
    const stripped = first.reply.slice(3)
    const next = await chat([...before, assistant(stripped), user('go on')])
    expect(next.computed).toBe(tokensOf(stripped) + tokensOf('go on') + PROMPT_FOR_REPLY)
  })

  test('that is another one with the same short system message computes what comes after that message', async () => {
    const { chat } = await countingServer()
    const short: ChatMessage = { role: 'system', content: 'Be brief.' }
    await chat([short, user('What is the capital of France?')])
    const other = await chat([short, user('Who wrote this?')])
    expect(other.computed).toBe(tokensOf('Who wrote this?') + PROMPT_FOR_REPLY)
  })

  test('goes on from any of n replies', async () => {
    const { server, chat } = await countingServer()
    const before = [system, user('hello')]
    const { json } = await server.post('/v1/chat/completions', {
      messages: before,
      model: 'fake',
      max_tokens: 9,
      n: 3,
      seed: 1,
    })
    for (const { message } of json.choices) {
      const next = await chat([...before, assistant(message.content), user('go on')])
      expect(next.computed).toBeLessThanOrEqual(2 + tokensOf('go on') + PROMPT_FOR_REPLY)
    }
  })

  test('says so in streams too, through the official client', async () => {
    const { server } = await countingServer()
    const client = new OpenAI({ apiKey: 'k', baseURL: `${await server.listen()}/v1` })
    const messages: ChatMessage[] = [system, user('hello')]
    const ask = async () => {
      const stream = client.chat.completions.stream({
        model: 'fake',
        messages: [...messages],
        max_tokens: 12,
        seed: 3,
        stream_options: { include_usage: true },
      })
      return stream.finalChatCompletion()
    }
    const first = await ask()
    expect(first.usage?.prompt_tokens_details?.cached_tokens).toBe(0)
    messages.push(assistant(first.choices[0]?.message.content ?? ''), user('go on'))
    const second = await ask()
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBe((first.usage?.total_tokens ?? 0) - 1)
  })

  test('is found in responses that begin anew with the whole history', async () => {
    const { server, measure } = await countingServer()
    const items = [user('hello '.repeat(20))]
    const ask = async (input: readonly ChatMessage[]) => {
      const body = { input, max_output_tokens: 8, mneme: { seed: 2 } }
      return measure(async () => (await server.post('/v1/responses', body)).json)
    }
    const { result: first } = await ask(items)
    const reply = first.output[0].content[0].text
    const { result: second, computed } = await ask([...items, assistant(reply), user('go on')])
    const { input_tokens, input_tokens_details } = second.usage
    expect(input_tokens_details.cached_tokens).toBe(first.usage.total_tokens - 1)
    expect(computed).toBe(input_tokens - input_tokens_details.cached_tokens)
    expect(second.usage.mneme.resumed_from).toBe('memory')
  })

  test('is not read again where the prompt is text', async () => {
    const { server, measure } = await countingServer()
    const ask = (prompt: string | number[]) =>
      measure(
        async () => (await server.post('/v1/completions', { model: 'fake', prompt, max_tokens: 8, seed: 1 })).json,
      )
    const prompt = 'Once upon a time there was a river. '.repeat(20)
    const { result: first } = await ask(prompt)
    const next = await ask(`${prompt}${first.choices[0].text} And then`)
    expect(next.computed).toBeLessThanOrEqual(2 + ' And then'.length)
    // The same prompt again: its last call is computed.
    const again = await ask(prompt)
    expect(again.result.choices[0].text).toBe(first.choices[0].text)
    expect(again.computed).toBeLessThanOrEqual(64)
  })

  test('of which a stop string ended the reply reads the reply again, unless the client writes the string itself', async () => {
    const { chat } = await countingServer()
    const messages = [system, user('hello')]
    const { reply } = await chat(messages)
    const stop = reply.slice(4, 6)
    const cut = await chat(messages, { stop })
    expect(cut.reply).toBe(reply.slice(0, reply.indexOf(stop)))
    const next = await chat([...messages, assistant(cut.reply), user('go on')])
    expect(next.cached).toBe(cut.prompt - PROMPT_FOR_REPLY)
    const prompt = 'Once there was a river. '.repeat(20)
    const [cold, text] = [await countingServer({ prefixCache: 0 }), await countingServer()]
    const complete = async ({ server }: typeof text, more: Json): Promise<Json> =>
      (await server.post('/v1/completions', { model: 'fake', prompt, max_tokens: 12, seed: 3, ...more })).json
    const whole = (await complete(cold, {})).choices[0].text as string
    const end = whole.slice(4, 6)
    const { choices } = await complete(text, { stop: end })
    expect(choices[0].text).toBe(whole.slice(0, whole.indexOf(end)))
    const { usage } = await complete(text, { prompt: `${prompt}${choices[0].text}${end} and on` })
    expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(prompt.length)
  })

  test('with log-probabilities of the prompt is computed whole', async () => {
    const { server, measure } = await countingServer()
    const body = { model: 'fake', prompt: 'x'.repeat(300), max_tokens: 4, echo: true, logprobs: 1 }
    for (let i = 0; i < 2; i++) {
      const { computed, result } = await measure(() => server.post('/v1/completions', body))
      expect([computed, result.json.usage.prompt_tokens_details.cached_tokens]).toEqual([300, 0])
    }
  })

  test('of another owner costs what it costs cold, and so does one of an owner who never came before', async () => {
    const { chat } = await countingServer({ keys: ['alice', 'bob'] })
    const messages = [system, user('a secret that both know')]
    const cold = await chat(messages, {}, 'alice')
    const warm = await chat(messages, {}, 'alice')
    expect(warm.cached).toBeGreaterThan(0)
    const other = await chat(messages, {}, 'bob')
    expect(other).toEqual(cold)
    expect(other).toMatchObject({ cached: 0, computed: other.prompt })
  })

  test('is counted in tokens by the metrics, with the bytes that are kept', async () => {
    const { chat, server } = await countingServer({ stateBytes: 1000 })
    const before = [system, user('hello')]
    const first = await chat(before)
    const second = await chat([...before, assistant(first.reply), user('go on')])
    const text = await (await server.request('GET', '/metrics')).text()
    const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    expect(metric('mneme_prefix_cache_queries_total')).toBe(first.prompt + second.prompt)
    expect(metric('mneme_prefix_cache_hits_total')).toBe(second.cached)
    expect(metric('mneme_session_resume_seconds_count{tier="memory"}')).toBe(1)
    expect(metric('mneme_prefix_cache_bytes')).toBe(server.deps.prefixes?.memoryBytes)
    expect(metric('mneme_prefix_cache_bytes')).toBeGreaterThan(4 * 1000)
    expect(metric('mneme_prefix_cache_evictions_total')).toBe(0)
    expect(metric('mneme_prefix_cache_disk_bytes')).toBe(0)
  })

  test('is forgotten with all of its owner’s, and nobody else’s, when a response is deleted', async () => {
    const { chat, server } = await countingServer({ keys: ['alice', 'bob'] })
    const messages = [system, user('hello')]
    const alice = { authorization: 'Bearer alice' }
    const { json } = await server.post('/v1/responses', { input: messages, max_output_tokens: 4 }, alice)
    await chat(messages, {}, 'bob')
    expect((await server.request('DELETE', `/v1/responses/${json.id}`, undefined, alice)).status).toBe(200)
    expect((await chat(messages, {}, 'alice')).cached).toBe(0)
    expect((await chat(messages, {}, 'bob')).cached).toBeGreaterThan(0)
  })

  test('sent several times at once gives each its reply, and is found afterwards', async () => {
    const { chat, server } = await countingServer({ append: true })
    const messages = [system, user('all at once')]
    const body = { model: 'fake', messages, max_tokens: 12, seed: 3 }
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.post('/v1/chat/completions', body)))
    const cold = await countingServer({ append: true, prefixCache: 0 })
    const { reply } = await cold.chat(messages)
    expect(answers.map(({ json }) => json.choices[0].message.content)).toEqual(answers.map(() => reply))
    expect(await chat(messages)).toMatchObject({ reply, computed: PROMPT_FOR_REPLY })
  })
})
