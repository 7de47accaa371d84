/**
 * What writing and finding memories costs, by how many a tenant has: the store alone, with random vectors of 384 numbers and
 * sentences of twelve words from 20,000.
 *   npx tsx tests/bench/memories.ts [--counts 1000,10000] [--searches 200]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../../clients/bench/machine.ts'
import { startStore } from '../../server/store/start.ts'
import type { MadeVector } from '../../server/store/memory-calls.ts'
import { quantile } from '../../clients/bench/statistics.ts'

const WIDTH = 384
const WORDS = 20_000
const OWNER = 'bench'

const { values } = parseArgs({
  options: { counts: { type: 'string', default: '1000,10000' }, searches: { type: 'string', default: '200' } },
})

/** The same numbers in each run (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
const random = generator(1)

function vector(): MadeVector {
  const numbers = Float32Array.from({ length: WIDTH }, () => random() - 0.5)
  const length = Math.hypot(...numbers)
  return { embedder: 'e', vector: numbers.map((value) => value / length) }
}

/** Words are as frequent as in text: the k-th one 1 / k times (Zipf). */
const sentence = (): string => Array.from({ length: 12 }, () => `w${Math.floor(WORDS ** random())}`).join(' ')

const shown = (times: readonly number[]): string =>
  `${quantile(times, 0.5).toFixed(2)} / ${quantile(times, 0.99).toFixed(2)}`

async function measure(count: number, searches: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-memories-'))
  const open = () => startStore({ folder, keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 })
  const store = open()
  await store.ready
  const began = performance.now()
  for (let at = 0; at < count; at += 500) {
    const some = Array.from({ length: Math.min(500, count - at) }, (_, i) => {
      const origin = { source: null, fact: null, ended: null }
      const place = { namespace: 'default', user: null, metadata: {}, created: 1, updated: 1, expires: null, ...origin }
      return store.addMemory(OWNER, { id: `m${at + i}`, text: `${at + i} ${sentence()}`, ...place }, vector())
    })
    await Promise.all(some)
  }
  const rate = count / ((performance.now() - began) / 1000)
  await store.close()
  const again = open()
  await again.ready
  const timed = async (text: string, made: MadeVector | null): Promise<number> => {
    const start = performance.now()
    const place = { namespace: 'default', user: null, metadata: {}, topics: [], ended: false }
    const query = { ...place, text, made, limit: 10 }
    await again.searchMemories(OWNER, query)
    return performance.now() - start
  }
  const first = await timed('', vector())
  const kinds: [string, MadeVector | null][][] = [[], [], []]
  for (let i = 0; i < searches; i++) {
    kinds[0]!.push([sentence(), null])
    kinds[1]!.push(['', vector()])
    kinds[2]!.push([sentence(), vector()])
  }
  const columns: string[] = []
  for (const kind of kinds) {
    const times: number[] = []
    for (const [text, made] of kind) times.push(await timed(text, made))
    columns.push(shown(times))
  }
  await again.close()
  rmSync(folder, { recursive: true })
  return `| ${[count, Math.round(rate), first.toFixed(0), ...columns].join(' | ')} |`
}

console.log(`${describeMachine()}; times in ms, median / 99th of 100\n`)
console.log('| memories | written a second | first search | words | vectors | both |')
console.log('| ---: | ---: | ---: | ---: | ---: | ---: |')
for (const count of values.counts.split(',').map(Number)) console.log(await measure(count, Number(values.searches)))
