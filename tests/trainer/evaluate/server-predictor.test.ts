import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { serverPredictor } from '../../../trainer/evaluate/predictor.ts'
import { ServerClient } from '../../../trainer/evaluate/server-client.ts'
import type { Sequence } from '../../../trainer/data/tasks/task.ts'

/** A server that echoes prompts and says of each token what `top` gives for the one before. */
async function echoing(top: (before: number) => string): Promise<{ client: ServerClient; prompts: number[][][] }> {
  const prompts: number[][][] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data: Buffer) => (body += data.toString()))
    request.on('end', () => {
      const answer = (value: unknown) => response.end(JSON.stringify(value))
      if (request.url === '/v1/models') return answer({ data: [{ id: 'm' }] })
      const { prompt } = JSON.parse(body) as { prompt: number[][] }
      prompts.push(prompt)
      const choices = prompt.map((ids, index) => {
        const top_logprobs = ids.map((_, t) => (t === 0 ? null : { [top(ids[t - 1]!)]: -0.5 }))
        return { index, logprobs: { top_logprobs } }
      })
      // In any order
      return answer({ choices: choices.toReversed() })
    })
  }).listen(0)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { client: new ServerClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), prompts }
}

const sequence = (ids: number[]): Sequence => ({ ids, targets: ids, weights: ids, answers: [] })

test('what is predicted after a token is what the server says of the next one, the last token included', async () => {
  const { client, prompts } = await echoing((before) => ` ${before + 100}`)
  const all = Array.from({ length: 11 }, (_, i) => sequence([i, i + 1, i + 2]))
  const found = await serverPredictor(client).predict(all)
  expect(found).toEqual(all.map(({ ids }) => ids.map((id) => id + 100)))
  expect(prompts.map(({ length }) => length)).toEqual([8, 3])
})

test('a model whose tokens are no numbers is refused', async () => {
  const { client } = await echoing(() => 'the')
  await expect(serverPredictor(client).predict([sequence([1])])).rejects.toThrow(/model of a task, .* got "the"/)
})
