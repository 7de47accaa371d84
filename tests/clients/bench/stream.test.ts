/** What is read of a streamed reply, and how samples are summed up. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { randomText } from '../../../clients/bench/prompts.ts'
import { quantile, summaryOf } from '../../../clients/bench/statistics.ts'
import { streamReply } from '../../../clients/bench/stream.ts'

async function serverThat(answers: (response: ServerResponse) => Promise<void>): Promise<string> {
  const server = createServer((_, response) => void answers(response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const events = (list: readonly unknown[]): string => list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
const delta = (fields: object) => ({ choices: [{ delta: fields }] })

test('the first token is the first text or reasoning; roles, comments and empty deltas are none', async () => {
  const sent: number[] = []
  const url = await serverThat(async (response) => {
    const send = async (...list: readonly unknown[]): Promise<void> => {
      sent.push(performance.now())
      response.write(events(list))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': ping\n\n')
    await send(delta({ role: 'assistant', content: null }), delta({ content: '' }))
    await send(delta({ reasoning_content: 'Hm.' }))
    await send(delta({ content: 'Paris' }))
    await send(delta({ content: '.' }))
    const usage = { prompt_tokens: 9, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } }
    response.end(`${events([{ choices: [], usage }])}data: [DONE]\n\n`)
  })
  const reply = await streamReply({ url }, '/v1/chat/completions', {})
  expect(reply).toMatchObject({ text: 'Paris.', reasoning: 'Hm.', tokens: { prompt: 9, cached: 4, output: 3 } })
  // The request was sent before the first event, and no piece arrived before it was sent.
  const [first = 0, reasoning = 0, , last = 0] = sent
  expect(reply.ttft).toBeGreaterThanOrEqual(reasoning - first)
  expect(reply.duration).toBeGreaterThanOrEqual(last - first)
  expect(reply.itl).toHaveLength(2)
  expect(reply.duration).toBeCloseTo(reply.ttft + reply.itl.reduce((a, b) => a + b), 6)
})

test('a server without usage is told from one that counts nothing', async () => {
  const url = await serverThat(
    async (response) => void response.end(`${events([delta({ content: 'a' })])}data: [DONE]\n\n`),
  )
  expect((await streamReply({ url }, '/v1/completions', {})).tokens).toBeNull()
})

test('refusals say what the server said: as OpenAI does, as text, and in the middle of a stream', async () => {
  const answers = [
    async (response: ServerResponse) => void response.writeHead(400).end('{"error": {"message": "too long"}}'),
    async (response: ServerResponse) => void response.writeHead(502).end('<html>bad gateway</html>'),
    async (response: ServerResponse) => void response.end(events([{ error: { message: 'the model failed' } }])),
  ]
  const expected = [/too long \(status 400\)/, /got status 502: <html>bad gateway/, /the model failed/]
  for (const [i, answer] of answers.entries())
    await expect(streamReply({ url: await serverThat(answer) }, '/v1/completions', {})).rejects.toThrow(expected[i]!)
})

test('a quantile is the smallest sample that so many do not exceed', () => {
  const samples = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(samples, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
      const found = quantile(values, q)
      const within = (limit: number): number => values.filter((value) => value <= limit).length / values.length
      expect(values).toContain(found)
      expect(within(found)).toBeGreaterThanOrEqual(q - 1e-12)
      for (const smaller of values.filter((value) => value < found)) expect(within(smaller)).toBeLessThan(q)
    }),
  )
  expect(summaryOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 })
  expect(() => summaryOf([])).toThrow('expected at least one sample')
})

test('texts of two seeds differ from the first words on, and those of one are the same', () => {
  const beginnings = Array.from({ length: 50 }, (_, seed) => randomText(8, seed))
  expect(new Set(beginnings).size).toBe(50)
  expect(randomText(100, 3)).toBe(randomText(100, 3))
  expect(randomText(100, 3).split(' ')).toHaveLength(100)
})
