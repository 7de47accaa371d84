/** Our engine's runner, as a process that runs the rounds it is asked for: one JSON object a line. MODEL=bundle THREADS=2 */
import { createInterface } from 'node:readline'
import { decoderOf, loadBundle, tokenizerOf } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Row } from '../../../server/engine/runner.ts'

const bundle = await loadBundle(process.env['MODEL']!)
const threads = Number(process.env['THREADS'] ?? 2)
const graph = await openGraph(bundle.path(decoderOf(bundle.manifest).file), { threads })
const runner = createOrtRunner(bundle, graph, 16)
const vocab = tokenizerOf(bundle.manifest).vocab
const ids = (count: number, seed: number) => Array.from({ length: count }, (_, i) => ((i + seed) * 7919 + 11) % vocab)

async function feed(rows: readonly Row[], tokens: readonly (readonly number[])[]): Promise<void> {
  const results = await runner.step(
    rows.map((row, i) => ({ row, ids: tokens[i]!, use: 'decode', logits: 'last' as const })),
  )
  for (const result of results) if ('error' in result) throw result.error
}

async function prompt(tokens: readonly number[]): Promise<Row> {
  const slot = runner.open('', null, 0)
  for (let at = 0; at < tokens.length; at += runner.prefillChunk)
    await feed([slot], [tokens.slice(at, at + runner.prefillChunk)])
  const state = runner.save(slot, 0)
  runner.release(slot)
  return runner.open('', state, tokens.length)
}

async function decode({ streams, context, tokens }: { streams: number; context: number; tokens: number }) {
  const rows: Row[] = []
  for (let i = 0; i < streams; i++) rows.push(await prompt(ids(context, i)))
  await feed(
    rows,
    rows.map(() => [7]),
  )
  const began = performance.now()
  for (let t = 0; t < tokens; t++)
    await feed(
      rows,
      rows.map((_, i) => [(t * 31 + i) % vocab]),
    )
  const each = (performance.now() - began) / tokens
  for (const row of rows) runner.release(row)
  return each
}

async function prefill({ tokens, round }: { tokens: number; round: number }): Promise<number> {
  const began = performance.now()
  const row = await prompt(ids(tokens, round))
  const took = performance.now() - began
  runner.release(row)
  return took
}

/** Probabilities of the whole vocabulary after each of the tokens. */
async function distributions({ tokens }: { tokens: readonly number[] }) {
  const slot = runner.open('', null, 0)
  const rows: string[] = []
  for (let at = 0; at < tokens.length; at += runner.prefillChunk) {
    const part = tokens.slice(at, at + runner.prefillChunk)
    const [result] = await runner.step([{ row: slot, ids: part, use: 'prefill', logits: 'all' }])
    if (!result || 'error' in result) throw result?.error ?? new Error('no result')
    for (let t = 0; t < part.length; t++)
      rows.push(
        Buffer.from(softmax(result.logits.subarray(t * runner.vocab, (t + 1) * runner.vocab)).buffer).toString(
          'base64',
        ),
      )
  }
  runner.release(slot)
  return { tokens, rows }
}

function softmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b))
  const weights = logits.map((x) => Math.exp(x - most))
  const total = weights.reduce((a, b) => a + b)
  return weights.map((w) => w / total)
}

async function greedy({ prompt: tokens, tokens: count }: { prompt: readonly number[]; tokens: number }) {
  const made: number[] = []
  const slot = runner.open('', null, 0)
  let logits: Float32Array = new Float32Array()
  const step = async (row: Row, part: readonly number[]) => {
    const [result] = await runner.step([{ row, ids: part, use: 'decode', logits: 'last' }])
    if (!result || 'error' in result) throw result?.error ?? new Error('no result')
    logits = result.logits.slice(0, vocab)
  }
  for (let at = 0; at < tokens.length; at += runner.prefillChunk)
    await step(slot, tokens.slice(at, at + runner.prefillChunk))
  const row = runner.open('', runner.save(slot, 0), tokens.length)
  runner.release(slot)
  while (made.length < count) {
    const best = logits.reduce((top, x, i) => (x > logits[top]! ? i : top), 0)
    made.push(best)
    await step(row, [best])
  }
  runner.release(row)
  return { made }
}

const rounds = { decode, prefill, distributions, greedy } as const
for await (const line of createInterface({ input: process.stdin })) {
  const { kind, ...options } = JSON.parse(line) as { kind: keyof typeof rounds }
  process.stdout.write(`${JSON.stringify({ result: await rounds[kind](options as never) })}\n`)
}
process.exit(0)
