/**
 * `npx tsx tests/bench/sampler.ts [VOCABULARY]`: milliseconds of one draw, beside a sampler written plainly.
 * Logits are normal with a standard deviation of 2.5 (as a language model's are) and of 1.
 */
import { sample, type Sampling } from '../../server/engine/sampler.ts'
import { referenceDraw } from '../support/reference-sampler.ts'
import { plainSampling } from '../support/jobs.ts'

const vocab = Number(process.argv[2] ?? 49_152)
const plain: Sampling = { ...plainSampling, temperature: 0.8 }
const settings: Record<string, Partial<Sampling>> = {
  greedy: { temperature: 0 },
  temperature: {},
  'temperature + top_k 40': { topK: 40 },
  'temperature + top_p 0.95': { topP: 0.95 },
  'temperature + min_p 0.05': { minP: 0.05 },
  'temperature + penalties': { presencePenalty: 0.5 },
  'greedy with 5 log-probabilities': { temperature: 0, logprobs: 5 },
}
const history = { prompt: new Set<number>(), generated: new Map([[7, 2]]) }

function normal(deviation: number): Float32Array {
  return Float32Array.from(
    { length: vocab },
    () => deviation * Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  )
}

/** The median of many runs, in milliseconds. */
function time(run: (index: number) => unknown, runs: number): number {
  for (let i = 0; i < runs / 4; i++) run(i)
  const times = Array.from({ length: runs }, (_, i) => {
    const began = performance.now()
    run(i)
    return performance.now() - began
  })
  return times.toSorted((a, b) => a - b)[runs >> 1] as number
}

console.log(`vocabulary ${vocab}, ms a draw (median)\n`)
console.log('| setting | logits | sampler | plain sampler |\n|---|---|---:|---:|')
for (const deviation of [2.5, 1]) {
  const logits = normal(deviation)
  for (const [name, changes] of Object.entries(settings)) {
    const sampling = { ...plain, ...changes }
    const ours = time((i) => sample(logits, sampling, history, 0, i), 400)
    const theirs = sampling.temperature === 0 ? NaN : time((i) => referenceDraw(logits, sampling, (i % 97) / 97), 8)
    const shown = Number.isNaN(theirs) ? '' : theirs.toFixed(1)
    console.log(`| ${name} | deviation ${deviation} | ${ours.toFixed(3)} | ${shown} |`)
  }
}
const logits = normal(2.5)
const before = process.memoryUsage().heapUsed
for (let i = 0; i < 2000; i++) sample(logits, { ...plain, topP: 0.9 }, history, 0, i)
const grown = (process.memoryUsage().heapUsed - before) / 2000
console.log(`\nheap grown a draw with top_p: ${grown.toFixed(0)} bytes (before any collection)`)
