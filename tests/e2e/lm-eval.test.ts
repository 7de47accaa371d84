/** Log-likelihoods as lm-eval (EleutherAI) asks for them, against our own decoder: over HTTP, and by lm-eval itself. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadBundle } from '../../runtime/bundle.ts'
import { openDecoder, type Decoder } from '../../runtime/decoder.ts'
import { openText } from '../../runtime/text.ts'
import { compiled } from '../support/build.ts'
import { listening, type ServerProcess } from '../support/process.ts'
import type { Json } from '../support/test-server.ts'

const bin = compiled('clients/cli/bin.js')
const keeper = fileURLToPath(new URL('../../models/pretrained/keeper', import.meta.url))
const judge = fileURLToPath(new URL('../support/lm_eval_judge.py', import.meta.url))
const hasLmEval = spawnSync('python3', ['-c', 'import lm_eval.models.openai_completions']).status === 0

/** Server and decoder run the same graph in pieces of other lengths. */
const TOLERANCE = 2e-4

const root = mkdtempSync(join(tmpdir(), 'mneme-lm-eval-'))
let server: ServerProcess
let decoder: Decoder
/** Context and continuation, as ids. */
let pairs: [number[], number[]][]
let vocabulary: number

beforeAll(async () => {
  const { manifest } = await loadBundle(keeper)
  const codec = openText(keeper)
  vocabulary = codec.vocabSize
  pairs = [
    ['The bike is', ' blue.'],
    ['My locker code is', ' 4071.'],
    ['Okay, I will', ' remember that.'],
    ['Zürich', ' 😀!'],
  ].map(([context = '', continuation = '']) => [codec.encode(context), codec.encode(continuation)])
  decoder = await openDecoder(join(keeper, 'decoder.onnx'), manifest.state)
  const args = [bin, 'serve', keeper, '--data', join(root, 'data'), '--port', '0', '--log-level', 'error']
  server = await listening(spawn(process.execPath, args, { stdio: 'pipe' }))
})

afterAll(async () => {
  server.child.kill('SIGKILL')
  await server.exited
  decoder.close()
  rmSync(root, { recursive: true, force: true })
})

/** Log-probabilities of every token that can follow each id. */
async function predictions(ids: readonly number[]): Promise<number[][]> {
  const { logits } = await decoder.run([ids], decoder.start(1))
  return ids.map((_, at) => {
    const row = [...(logits.data as Float32Array).subarray(at * decoder.vocab, at * decoder.vocab + vocabulary)]
    const max = Math.max(...row)
    const normalizer = max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0))
    return row.map((value) => value - normalizer)
  })
}

/** Our own log-likelihood of `continuation` after `context`, and whether each of its tokens is the likeliest. */
async function ownScore(context: readonly number[], continuation: readonly number[]): Promise<[number, boolean]> {
  const rows = await predictions([...context, ...continuation])
  const of = (i: number): number[] => rows[context.length - 1 + i] as number[]
  const sum = continuation.reduce((total, id, i) => total + (of(i)[id] as number), 0)
  return [sum, continuation.every((id, i) => of(i)[id] === Math.max(...of(i)))]
}

/** What lm-eval 0.4.13 sends (LocalCompletionsAPI._create_payload). */
const requestOf = (prompts: number[][]) => ({
  model: 'keeper',
  prompt: prompts,
  temperature: 0,
  max_tokens: 1,
  logprobs: 1,
  seed: 1234,
  echo: true,
})

describe('the log-likelihood requests of lm-eval', () => {
  test('get lists of one entry more than the prompt, also where the reply is the end token', async () => {
    const prompts = pairs.map(([context, continuation]) => [...context, ...continuation])
    const { choices } = (await (await server.post('/v1/completions', requestOf(prompts))).json()) as Json
    for (const [i, prompt] of prompts.entries()) {
      const { tokens, token_logprobs, top_logprobs, text_offset } = choices[i].logprobs
      const lengths = [tokens, token_logprobs, top_logprobs, text_offset].map((list) => list.length)
      expect(lengths).toEqual(Array(4).fill(prompt.length + 1))
      expect(token_logprobs.slice(1).every((value: unknown) => typeof value === 'number')).toBe(true)
    }
    // A sentence is followed by the end token.
    expect(choices.map(({ finish_reason }: Json) => finish_reason)).toContain('stop')
    const streamed = await server.post('/v1/completions', { ...requestOf(prompts.slice(0, 1)), stream: true })
    const chunks = (await streamed.text()).match(/^data: \{.*$/gm) ?? []
    const streamedTokens = chunks.flatMap((chunk) => JSON.parse(chunk.slice(6)).choices[0].logprobs.tokens)
    expect(streamedTokens).toEqual(choices[0].logprobs.tokens)
  })

  test('give the scores of our own decoder', async () => {
    for (const [context, continuation] of pairs) {
      const answer = await server.post('/v1/completions', requestOf([[...context, ...continuation]]))
      const { token_logprobs, top_logprobs } = ((await answer.json()) as Json).choices[0].logprobs
      // As LocalCompletionsAPI.parse_logprobs reads them.
      const scored: number[] = token_logprobs.slice(context.length, -1)
      const top: Record<string, number>[] = top_logprobs.slice(context.length, -1)
      const greedy = scored.every((value, i) => value === Math.max(...Object.values(top[i] ?? {})))
      const [sum, ownGreedy] = await ownScore(context, continuation)
      expect(scored.length).toBe(continuation.length)
      expect(Math.abs(scored.reduce((a, b) => a + b, 0) - sum)).toBeLessThan(TOLERANCE)
      expect(greedy).toBe(ownGreedy)
    }
  })

  test.skipIf(!hasLmEval)(
    'of lm-eval itself (PyPI) give the scores of our own decoder',
    { timeout: 180_000 },
    async () => {
      const run = promisify(execFile)
      const input = JSON.stringify({ url: `${server.url}/v1/completions`, pairs: pairs })
      const { stdout } = await run('python3', [judge, input], { maxBuffer: 10 ** 7 })
      const scores = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as [number, boolean][]
      for (const [i, [context, continuation]] of pairs.entries()) {
        const [sum, greedy] = await ownScore(context, continuation)
        expect(Math.abs((scores[i]?.[0] ?? NaN) - sum)).toBeLessThan(TOLERANCE)
        expect(scores[i]?.[1]).toBe(greedy)
      }
    },
  )
})
