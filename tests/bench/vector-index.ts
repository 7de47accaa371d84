/**
 * Memories of one owner found by vectors alone, by a scan and by FAISS, by how many there are; and 10,000 owners of 100. The store as
 * the server runs it, vectors of 384 numbers that have neighbours as those of sentences do (tests/support/many-memories.ts). Other work
 * on the machine disturbs the processor time of this process, which is without that of FAISS, less than the time that passes.
 *   npx tsx tests/bench/vector-index.ts [--sizes 1000,10000,100000] [--owners 10000] [--searches 200] [--folder DIR]
 * With --folder what was written and indexed is kept there, and a later run goes on from it. 1,000,000 entries take some 4 GB of disk,
 * 6 GB of memory and more than an hour; leave --owners 0 to measure one owner only.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../../clients/bench/machine.ts'
import { quantile } from '../../clients/bench/statistics.ts'
import type { MadeVector } from '../../server/store/memory-calls.ts'
import { startStore } from '../../server/store/start.ts'
import type { Store } from '../../server/store/store.ts'
import { findFaiss } from '../../server/vector-index/faiss.ts'
import { addMany, vectorSource } from '../support/many-memories.ts'

const WIDTH = 384
const OWNER = 'bench'
const OF_EACH_OWNER = 100
/** Searches whose ten nearest are compared. */
const COMPARED = 100

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,10000,100000' },
    owners: { type: 'string', default: '10000' },
    searches: { type: 'string', default: '200' },
    folder: { type: 'string' },
  },
})
const searches = Number(values.searches)
const base = values.folder ?? mkdtempSync(join(tmpdir(), 'mneme-vectors-'))

function open(folder: string, threshold: number): Store {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 }
  return startStore({ folder, ...settings, vectorIndex: { threshold } })
}

async function find(store: Store, made: MadeVector, owner = OWNER): Promise<string[]> {
  const place = { namespace: 'default', user: null, metadata: {}, topics: [], ended: false, text: '' }
  return (await store.searchMemories(owner, { ...place, made, limit: 10 })).map(({ memory }) => memory.id)
}

async function timed(
  store: Store,
  next: () => MadeVector,
  ownerOf: (at: number) => string = () => OWNER,
): Promise<string> {
  const times: number[] = []
  const processor: number[] = []
  for (let at = 0; at < searches; at++) {
    const made = next()
    const before = process.cpuUsage()
    const began = performance.now()
    await find(store, made, ownerOf(at))
    times.push(performance.now() - began)
    const { user, system } = process.cpuUsage(before)
    processor.push((user + system) / 1000)
  }
  const quantiles = [times, processor].flatMap((all) => [quantile(all, 0.5), quantile(all, 0.99)])
  return quantiles.map((ms) => ms.toFixed(2)).join(' | ')
}

/** MiB of resident memory of a process; of this one if `pid` is null. */
function resident(pid: number | null): number {
  const status = readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
}

async function write(folder: string, count: number): Promise<number> {
  const store = open(folder, 0)
  const [there] = await store.memoryNamespaces(OWNER)
  const from = there?.memories ?? 0
  const began = performance.now()
  await addMany(store, OWNER, [from, count], vectorSource(WIDTH, 1 + from))
  const seconds = (performance.now() - began) / 1000
  await store.close()
  return (count - from) / seconds
}

/** Milliseconds from the start of a store to its first answer, and the store. */
async function restarted(folder: string, threshold: number): Promise<{ store: Store; ms: number }> {
  const began = performance.now()
  const store = open(folder, threshold)
  await find(store, vectorSource(WIDTH, 3)())
  return { store, ms: performance.now() - began }
}

const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`)

async function exactly(folder: string, count: number, rate: number): Promise<string[][]> {
  const before = resident(null)
  const { store, ms } = await restarted(folder, 0)
  const next = vectorSource(WIDTH, 2)
  const times = await timed(store, next)
  const memory = resident(null) - before
  const compare = vectorSource(WIDTH, 4)
  const nearest: string[][] = []
  for (let i = 0; i < COMPARED; i++) nearest.push(await find(store, compare()))
  const written = Number.isFinite(rate) && rate > 0 ? rate.toFixed(0) : '-'
  row(count, 'scan', '1', times, written, '-', (ms / 1000).toFixed(1), memory.toFixed(0), '-')
  await store.close()
  return nearest
}

async function byIndex(folder: string, count: number, nearest: readonly (readonly string[])[]): Promise<void> {
  const making = open(folder, count)
  const began = performance.now()
  const isThere = async (): Promise<boolean> => (await making.statistics()).vectorIndex.indexes > 0
  const warnings: string[] = []
  making.onNote(({ level, text }) => void (level === 'warn' && warnings.push(text)))
  await find(making, vectorSource(WIDTH, 3)())
  while (warnings.length === 0 && !(await isThere())) {
    // What wants an index is a search.
    if (!(await making.statistics()).vectorIndex.building) await find(making, vectorSource(WIDTH, 3)())
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const built = (performance.now() - began) / 1000
  await making.close()
  if (warnings[0] !== undefined)
    return row(count, 'FAISS', warnings[0], '', '', '', '', '', built.toFixed(0), '', '', '')
  const start = performance.now()
  const store = open(folder, count)
  while ((await store.statistics()).vectorIndex.indexes === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  const ms = performance.now() - start
  const times = await timed(store, vectorSource(WIDTH, 2))
  const compare = vectorSource(WIDTH, 4)
  let found = 0
  for (const ids of nearest) {
    const here = new Set(await find(store, compare()))
    found += ids.filter((id) => here.has(id)).length
  }
  const { pid } = (await store.statistics()).vectorIndex
  const bytes = readdirSync(folder).reduce((sum, name) => {
    return name.startsWith('vectors-') ? sum + statSync(join(folder, name)).size : sum
  }, 0)
  const share = (found / nearest.flat().length).toFixed(3)
  row(
    count,
    'FAISS',
    share,
    times,
    '-',
    built.toFixed(0),
    (ms / 1000).toFixed(1),
    resident(pid).toFixed(0),
    (bytes / 2 ** 20).toFixed(0),
  )
  await store.close()
}

async function manyOwners(owners: number): Promise<void> {
  const folder = join(base, `owners-${owners}`)
  mkdirSync(folder, { recursive: true })
  const writing = open(folder, 0)
  const next = vectorSource(WIDTH, 1)
  const began = performance.now()
  let written = 0
  for (let at = 0; at < owners; at++)
    if ((await writing.memoryNamespaces(`o${at}`)).length === 0) {
      await addMany(writing, `o${at}`, [0, OF_EACH_OWNER], next)
      written += OF_EACH_OWNER
    }
  const rate = written === 0 ? '-' : (written / ((performance.now() - began) / 1000)).toFixed(0)
  await writing.close()
  const before = resident(null)
  const start = performance.now()
  const store = open(folder, 10_000)
  await find(store, next(), 'o0')
  const ms = performance.now() - start
  const first = await timed(store, next, (at) => `o${(at * 7919) % owners}`)
  row(
    `${owners} x ${OF_EACH_OWNER}`,
    'scan, another owner each time',
    '1',
    first,
    rate,
    '-',
    (ms / 1000).toFixed(1),
    (resident(null) - before).toFixed(0),
    '-',
  )
  await store.close()
}

console.log(`${describeMachine()}; ${searches} searches each, in ms\n`)
row(
  'entries',
  'by',
  'recall@10',
  'p50',
  'p99',
  'processor p50',
  'processor p99',
  'written a second',
  'index made in s',
  'restart s',
  'memory MiB',
  'index MiB',
)
row(...Array.from({ length: 12 }, () => '---:'))
for (const count of values.sizes.split(',').filter(Boolean).map(Number)) {
  const folder = join(base, `one-${count}`)
  mkdirSync(folder, { recursive: true })
  const rate = await write(folder, count)
  const nearest = await exactly(folder, count, rate)
  if (findFaiss()) await byIndex(folder, count, nearest)
}
if (Number(values.owners) > 0) await manyOwners(Number(values.owners))
if (values.folder === undefined) rmSync(base, { recursive: true })
