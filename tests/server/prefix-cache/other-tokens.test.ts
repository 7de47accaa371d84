/** Replies that were sampled as other tokens than their text is encoded to. */
import { describe, expect, test } from 'vitest'
import { countingServer, type ChatMessage } from '../../support/chat-sessions.ts'
import { pairCodec } from '../../support/pair-codec.ts'
import type { Json } from '../../support/test-server.ts'

const user = (content: string): ChatMessage => ({ role: 'user', content })
const encoded = (text: string): number => pairCodec.encode(text).length

describe('a reply that was sampled as other tokens than its text', () => {
  test('is not read again, turn after turn', async () => {
    const { chat } = await countingServer({ codec: pairCodec, append: true })
    const messages: ChatMessage[] = []
    let different = 0
    for (let turn = 0; turn < 8; turn++) {
      const content = `message ${turn}, with seven letters e`
      messages.push(user(content))
      const cost = await chat(messages, { seed: turn, max_tokens: 40 })
      // The last token of the reply before, its end, the message with its role and end, and the role before the reply.
      if (turn > 0) expect(cost.computed).toBeLessThanOrEqual(1 + 1 + encoded(content) + 2 + 1)
      expect(cost.computed).toBe(cost.prompt - cost.cached)
      if (encoded(cost.reply) < cost.generated - 1) different++
      messages.push({ role: 'assistant', content: cost.reply })
    }
    expect(different).toBeGreaterThan(3)
  })

  test('gives the next reply that it gives a conversation which is continued by its id', async () => {
    const { server } = await countingServer({ codec: pairCodec, append: true })
    const turn = { max_output_tokens: 40, mneme: { seed: 1 } }
    const ask = async (body: Json): Promise<Json> => (await server.post('/v1/responses', { ...turn, ...body })).json
    const textOf = (response: Json): string => response.output[0].content[0].text
    const first = await ask({ input: 'tell me more' })
    const byId = await ask({ input: 'go on', previous_response_id: first.id })
    const history = [user('tell me more'), { role: 'assistant', content: textOf(first) }, user('go on')]
    const resent = await ask({ input: history })
    expect(encoded(textOf(first))).toBeLessThan(first.usage.output_tokens - 1)
    expect(textOf(resent)).toBe(textOf(byId))
    expect(resent.usage.input_tokens_details).toEqual(byId.usage.input_tokens_details)
    expect(resent.usage.input_tokens).toBe(byId.usage.input_tokens)
  })

  test('is part of a stored turn as it was sampled: the turn is rebuilt to the same bits', async () => {
    const { server } = await countingServer({ codec: pairCodec, append: true, keepStates: 1 })
    const turn = { max_output_tokens: 30, mneme: { seed: 2 } }
    const ask = async (body: Json): Promise<Json> => (await server.post('/v1/responses', { ...turn, ...body })).json
    const first = await ask({ input: 'tell me more' })
    const history = [
      user('tell me more'),
      { role: 'assistant', content: first.output[0].content[0].text },
      user('go on, and on, and on'),
    ]
    const resent = await ask({ input: history })
    expect(resent.usage.mneme.resumed_from).toBe('memory')
    // Enough turns after it that its state is pruned.
    let last = resent
    for (let i = 0; i < 4; i++) last = await ask({ input: `turn ${i}`, previous_response_id: last.id })
    const fork = await ask({ input: 'from there again', previous_response_id: resent.id })
    expect(fork.usage.mneme).toMatchObject({ resumed_from: 'replay', rebuilt: 'identical' })
  })
})
