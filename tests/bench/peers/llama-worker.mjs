// llama.cpp through node-llama-cpp, as a process that runs the rounds it is asked for: one JSON object a line.
// MODEL=file.gguf THREADS=2 node llama-worker.mjs
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const peers = join(import.meta.dirname, '../../../.cache/peers/')
const { getLlama } = await import(pathToFileURL(createRequire(peers).resolve('node-llama-cpp')).href)
const threads = Number(process.env.THREADS ?? 2)
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' })
const model = await llama.loadModel({ modelPath: process.env.MODEL })
const vocab = model.fileInfo.metadata.tokenizer.ggml.tokens.length
const ids = (count, seed) => Array.from({ length: count }, (_, i) => ((i + seed) * 7919 + 11) % vocab)

async function withSequences(count, size, work) {
  const context = await model.createContext({ contextSize: size, sequences: count, threads, batchSize: 512 })
  const sequences = Array.from({ length: count }, () => context.getSequence())
  const result = await work(sequences)
  await context.dispose()
  return result
}

/** Milliseconds of each token after the first, of one or several sequences together. */
async function decode({ streams, context, tokens }) {
  return withSequences(streams, context + tokens + 8, async (sequences) => {
    const generators = sequences.map((sequence, i) =>
      sequence.evaluate(ids(context, i), { temperature: 0, yieldEogToken: true }),
    )
    await Promise.all(generators.map((generator) => generator.next()))
    const began = performance.now()
    await Promise.all(
      generators.map(async (generator) => {
        for (let i = 0; i < tokens; i++) await generator.next()
      }),
    )
    return (performance.now() - began) / tokens
  })
}

/** Milliseconds until the first token after a prompt. */
async function prefill({ tokens, round }) {
  return withSequences(1, tokens + 8, async ([sequence]) => {
    const generator = sequence.evaluate(ids(tokens, round), { temperature: 0, yieldEogToken: true })
    const began = performance.now()
    await generator.next()
    return performance.now() - began
  })
}

/** Log-probabilities of the whole vocabulary after each token of a text. */
async function distributions({ text }) {
  const tokens = model.tokenize(text)
  return withSequences(1, tokens.length + 8, async ([sequence]) => {
    const input = tokens.map((token) => [token, { generateNext: { probabilities: true } }])
    const results = await sequence.controlledEvaluate(input)
    const rows = results.map((result) => {
      const row = new Float32Array(vocab)
      for (const [token, probability] of result.next.probabilities) row[token] = probability
      return Buffer.from(row.buffer).toString('base64')
    })
    return { tokens, rows }
  })
}

async function greedy({ text, tokens }) {
  return withSequences(1, 2048, async ([sequence]) => {
    const made = []
    for await (const token of sequence.evaluate(model.tokenize(text, true), { temperature: 0, yieldEogToken: true })) {
      made.push(token)
      if (made.length >= tokens) break
    }
    return { prompt: model.tokenize(text, true), made }
  })
}

const rounds = { decode, prefill, distributions, greedy }
for await (const line of createInterface({ input: process.stdin })) {
  const { kind, ...options } = JSON.parse(line)
  process.stdout.write(`${JSON.stringify({ result: await rounds[kind](options) })}\n`)
}
process.exit(0)
