/** Whatever is kept or evicted, replies are those of a server that keeps nothing. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { countingServer, type ChatMessage } from '../../support/chat-sessions.ts'
import { pairCodec } from '../../support/pair-codec.ts'

/** A request goes on from an earlier one's reply, makes it again, or edits what it had asked. */
const step = fc.record({
  from: fc.nat(),
  how: fc.constantFrom('next', 'next', 'again', 'edit', 'strip'),
  length: fc.integer({ min: 1, max: 160 }),
  temperature: fc.constantFrom(0, 1),
  n: fc.integer({ min: 1, max: 2 }),
})

interface Sent {
  readonly messages: readonly ChatMessage[]
  readonly reply: string
}

test.each([0, 3_000, 12_000, 1_000_000])(
  'with %i bytes for the cache, any tree of requests has the replies that it has without one',
  async (prefixCache) => {
    const kept = await countingServer({ append: true, prefixCache, rows: 2 })
    const cold = await countingServer({ append: true, prefixCache: 0, rows: 2 })
    let saved = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const sent: Sent[] = []
        for (const [i, { from, how, length, temperature, n }] of steps.entries()) {
          const before = sent.length > 0 ? (sent[from % sent.length] as Sent) : { messages: [], reply: '' }
          const asked: ChatMessage = { role: 'user', content: `${i} ${'the river '.repeat(16)}`.slice(0, length) }
          const reply: ChatMessage = {
            role: 'assistant',
            content: how === 'strip' ? before.reply.slice(2) : before.reply,
          }
          const again = how === 'again' && before.messages.length > 0
          const messages = again
            ? before.messages
            : how === 'edit'
              ? [...before.messages.slice(0, -1), asked]
              : [...before.messages, ...(before.messages.length > 0 ? [reply] : []), asked]
          const more = { temperature, n, seed: i }
          const [warm, expected] = [await kept.chat(messages, more), await cold.chat(messages, more)]
          expect([warm.reply, warm.prompt, warm.generated]).toEqual([
            expected.reply,
            expected.prompt,
            expected.generated,
          ])
          expect(warm.computed).toBe(warm.prompt - warm.cached)
          expect(kept.server.deps.prefixes?.memoryBytes ?? 0).toBeLessThanOrEqual(prefixCache)
          saved += warm.cached
          sent.push({ messages, reply: warm.reply })
        }
      }),
      { numRuns: 12 },
    )
    if (prefixCache === 0) expect(saved).toBe(0)
    if (prefixCache === 1_000_000) expect(saved).toBeGreaterThan(0)
  },
)

test('with replies sampled as other tokens and a small cache, every reply still comes', async () => {
  const { chat, server } = await countingServer({ append: true, codec: pairCodec, prefixCache: 8_000 })
  const messages: ChatMessage[] = []
  for (let turn = 0; turn < 10; turn++) {
    messages.push({ role: 'user', content: `message ${turn} `.repeat(5) })
    const { reply } = await chat(messages, { seed: turn })
    messages.push({ role: 'assistant', content: reply })
  }
  expect(server.deps.prefixes?.evictions).toBeGreaterThan(0)
})
