// transformers.js on onnxruntime-node, as a process that runs the rounds it is asked for: one JSON object a line.
// MODEL=folder THREADS=2 node transformers-worker.mjs
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const peers = join(import.meta.dirname, '../../../.cache/peers/')
const { AutoModelForCausalLM, Tensor, env } = await import(
  pathToFileURL(createRequire(peers).resolve('@huggingface/transformers')).href
)
env.allowRemoteModels = false
env.localModelPath = dirname(process.env.MODEL)
const threads = Number(process.env.THREADS ?? 2)
const session_options = { intraOpNumThreads: threads, interOpNumThreads: 1 }
const model = await AutoModelForCausalLM.from_pretrained(basename(process.env.MODEL), {
  dtype: 'fp32', // the file without a suffix, whatever its weights are
  device: 'cpu',
  use_external_data_format: true,
  session_options,
})
const vocab = model.config.vocab_size
const ids = (count, seed) => Array.from({ length: count }, (_, i) => ((i + seed) * 7919 + 11) % vocab)

/** Times at which the prompt was taken and each token came, of `streams` sequences together. */
async function generate(streams, context, tokens, seed) {
  const rows = Array.from({ length: streams }, (_, i) => ids(context, i + seed)).flat()
  const tensor = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [streams, context])
  const times = []
  await model.generate({
    inputs: tensor(rows),
    attention_mask: tensor(rows.map(() => 1)),
    max_new_tokens: tokens,
    min_new_tokens: tokens,
    do_sample: false,
    // It streams one sequence only.
    ...(streams === 1 ? { streamer: { put: () => times.push(performance.now()), end() {} } } : {}),
  })
  return times
}

/** Milliseconds of each token after the first; of several sequences the difference of a long and a short reply. */
async function decode({ streams, context, tokens }) {
  if (streams === 1) {
    const times = await generate(1, context, tokens + 1, 0)
    return (times.at(-1) - times[1]) / tokens
  }
  const took = []
  for (const count of [1, tokens + 1]) {
    const began = performance.now()
    await generate(streams, context, count, 0)
    took.push(performance.now() - began)
  }
  return (took[1] - took[0]) / tokens
}

/** Milliseconds until the first token after a prompt. */
async function prefill({ tokens, round }) {
  const began = performance.now()
  await generate(1, tokens, 1, round)
  return performance.now() - began
}

const rounds = { decode, prefill }
for await (const line of createInterface({ input: process.stdin })) {
  const { kind, ...options } = JSON.parse(line)
  process.stdout.write(`${JSON.stringify({ result: await rounds[kind](options) })}\n`)
}
process.exit(0)
