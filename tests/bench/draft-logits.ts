/**
 * How far the logits of a call of several tokens, as it verifies a draft, are from those of calls of one token each, and how
 * many greedy tokens that changes: `npx tsx tests/bench/draft-logits.ts BUNDLE [tokens=160] [THREADS=2]`
 */
import { decoderOf, loadBundle } from '../../runtime/bundle.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { openText } from '../../runtime/text.ts'
import { createOrtRunner } from '../../server/engine/ort-runner.ts'
import type { Row, Segment } from '../../server/engine/runner.ts'
import { requireFinite } from '../../server/engine/sampler.ts'

const [folder, tokens = '160', threads = '2'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: draft-logits.ts BUNDLE [TOKENS] [THREADS]')
/** Tokens of a verifying call. */
const CALL = 4
const PROMPTS = [
  'Write a short story about a lighthouse keeper.',
  'Explain how a bicycle works.',
  'List ten facts about the Moon.',
  'What is photosynthesis? Explain in detail.',
  'def add(a, b):\n    return a + b\n\nRepeat this code with the name sum instead of add, twice.',
]

const bundle = await loadBundle(folder)
const graph = await openGraph(bundle.path(decoderOf(bundle.manifest).file), { threads: Number(threads) })
const runner = createOrtRunner(bundle, graph, 1)
const codec = openText(bundle.dir)
const { vocab } = runner

async function feed(row: Row, ids: readonly number[], use: Segment['use'], logits: Segment['logits']) {
  const [result] = await runner.step([{ row, ids, use, logits }])
  if (!result || 'error' in result) throw result?.error ?? new Error('the model gave no result')
  return result.logits
}

const likeliest = (logits: Float32Array): number => requireFinite(logits.subarray(0, codec.vocabSize))

let [compared, changed, sum, largest, widest] = [0, 0, 0, 0, 0]
for (const content of PROMPTS) {
  const prompt = codec.chat([{ role: 'user', content }], { generate: true, continued: false })
  const begun = runner.open('', null, 0)
  const reply = [likeliest(await feed(begun, prompt, 'prefill', 'last'))]
  const state = runner.save(begun, 0)
  runner.release(begun)
  const alone = runner.open('', state, prompt.length)
  const expected: Float32Array[] = []
  while (reply.length <= Number(tokens)) {
    expected.push((await feed(alone, reply.slice(-1), 'decode', 'last')).slice(0, vocab))
    reply.push(likeliest(expected.at(-1)!))
  }
  runner.release(alone)
  const several = runner.open('', state, prompt.length)
  for (let from = 0; from + CALL < reply.length; from += CALL) {
    const logits = await feed(several, reply.slice(from, from + CALL), 'decode', 'all')
    for (let at = 0; at < CALL; at++) {
      const [here, there] = [logits.subarray(at * vocab, (at + 1) * vocab), expected[from + at]!]
      const difference = here.reduce((most, value, id) => Math.max(most, Math.abs(value - there[id]!)), 0)
      compared++
      sum += difference
      largest = Math.max(largest, difference)
      if (likeliest(here) === reply[from + at + 1]) continue
      changed++
      const sorted = there.toSorted()
      widest = Math.max(widest, sorted.at(-1)! - sorted.at(-2)!)
    }
  }
  runner.release(several)
}
console.log(
  `${compared} tokens in calls of ${CALL}: largest difference of a logit ${largest.toExponential(1)}, ` +
    `${(sum / compared).toExponential(1)} on average; ${changed} greedy tokens are others` +
    (changed > 0 ? `, where the likeliest was ahead by at most ${widest.toFixed(2)}` : ''),
)
runner.close()
