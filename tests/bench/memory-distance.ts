/**
 * Facts told in free text, asked after many other turns: what the search finds and what the critic's policy `quote` serves in
 * place of a reply that says nothing. Store, rules, embedder and critic as in a server, without a model and without HTTP, so that
 * 10,000 turns take minutes.
 *   npx tsx tests/bench/memory-distance.ts [--distances 10,100,1000,10000] [--cases 15] [--seeds 1,2,3] [--part train] [--show] [--picture FILE.svg]
 * --show: each question at the last distance that is not answered, or whose notes lack the value, with what was told.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { drawCases, kinds, type MemoryCase } from '../../trainer/evaluate/memory/case.ts'
import { fillerOf } from '../../trainer/evaluate/memory/history.ts'
import { judge, type Judged } from '../../trainer/evaluate/memory/judge.ts'
import { drawChart } from '../../trainer/picture/chart.ts'
import { Random } from '../../trainer/random.ts'
import { bundledMemory } from '../support/bundled-memory.ts'
import { MemoryHistory, type Recalled } from '../support/memory-history.ts'

const { values } = parseArgs({
  options: {
    distances: { type: 'string', default: '10,100,1000,10000' },
    cases: { type: 'string', default: '15' },
    seeds: { type: 'string', default: '1,2,3' },
    part: { type: 'string', default: 'train' },
    show: { type: 'boolean', default: false },
    picture: { type: 'string' },
  },
})
const part = values.part === 'heldout' ? 'heldout' : 'train'
type Asked = Judged & Recalled
const MODES = ['words', 'words and meaning'] as const
type Mode = (typeof MODES)[number]

const bundled = await bundledMemory()

async function ask(history: MemoryHistory, one: MemoryCase, mode: Mode): Promise<Asked> {
  const recalled = await history.ask(one.asks, mode !== 'words')
  return { ...recalled, ...judge(one, recalled.found, recalled.read, recalled) }
}

const distances = values.distances.split(',').map(Number)
const results = new Map<string, Judged[]>()
for (const seed of values.seeds.split(',')) {
  const random = new Random(`distance ${part} ${seed}`)
  const cases = drawCases(random, kinds, Number(values.cases), part)
  const history = new MemoryHistory(bundled)
  for (let round = 0; round < Math.max(...cases.map(({ tells }) => tells.length)); round++)
    for (const { kind, tells } of cases) {
      const message = tells[round]
      if (message === undefined) continue
      const { written } = await history.say(message)
      if (kind === 'deleted') await history.remove(written)
    }
  let turns = 0
  let began = performance.now()
  for (const distance of distances) {
    for (; turns < distance; turns++) await history.say(fillerOf(random, part))
    for (const one of cases)
      for (const mode of MODES) {
        const key = `${mode}\t${distance}\t${one.kind}`
        const asked = await ask(history, one, mode)
        results.set(key, [...(results.get(key) ?? []), asked])
        const isWrong = !asked.isRight || !asked.isAssembled
        if (values.show && isWrong && mode !== 'words' && distance === distances.at(-1)) show(one, asked)
      }
    const now = performance.now()
    console.error(`seed ${seed}: ${distance} turns, ${((now - began) / 1000).toFixed(1)} s`)
    began = now
  }
  await history.close()
}
bundled.close()

function show(
  { kind, tells, asks, value, stale }: MemoryCase,
  { isRight, isAssembled, text, read, rank }: Asked,
): void {
  const wrong = [...(isRight ? [] : ['answer']), ...(isAssembled ? [] : ['assembly'])].join(' and ')
  const all = { kind, wrong, tells, asks, value, stale, read, rank, text }
  console.error(JSON.stringify(all, null, 1).replaceAll(/\n\s*/g, ' '))
}

function resultsOf(mode: Mode, distance: number, kind: string): Judged[] {
  const wanted = kinds.filter((one) => kind === 'all' || one === kind)
  return wanted.flatMap((one) => results.get(`${mode}\t${distance}\t${one}`) ?? [])
}

const shown = (right: number, of: number): string => {
  const { share, interval } = shareOf(right, of)
  return of === 0 ? '' : `${percent(share)} % (${percent(interval[0])} to ${percent(interval[1])})`
}
for (const mode of MODES) {
  console.log(
    `\n${mode}\n\n| | turns between | found @1 | found @10 | assembled | answered | stale | questions |\n|---|---|---|---|---|---|---|---|`,
  )
  for (const kind of [...kinds, 'all'])
    for (const distance of distances) {
      const these = resultsOf(mode, distance, kind)
      const ranked = these.flatMap(({ rank }) => rank ?? [])
      const at = (most: number): string =>
        shown(ranked.filter((rank) => rank >= 1 && rank <= most).length, ranked.length)
      const answered = shown(these.filter(({ isRight }) => isRight).length, these.length)
      const assembled = shown(these.filter(({ isAssembled }) => isAssembled).length, these.length)
      const stale = these.filter(({ isStale }) => isStale).length
      console.log(
        `| ${kind} | ${distance} | ${at(1)} | ${at(10)} | ${assembled} | ${answered} | ${stale} | ${these.length} |`,
      )
    }
}

if (values.picture) {
  const point = (distance: number, right: number, of: number) => {
    const { share, interval } = shareOf(right, of)
    return { x: distance, y: share, low: interval[0], high: interval[1] }
  }
  const line = (name: string, holds: (one: Judged) => boolean | null) => ({
    name,
    points: distances.map((distance) => {
      const judged = resultsOf('words and meaning', distance, 'all').filter((one) => holds(one) !== null)
      return point(distance, judged.filter((one) => holds(one) === true).length, judged.length)
    }),
  })
  const series = [
    line('found in the first ten', ({ rank }) => (rank === null ? null : rank > 0)),
    line('assembled', ({ isAssembled }) => isAssembled),
    line('answered', ({ isRight }) => isRight),
  ]
  const asked = resultsOf('words and meaning', distances[0]!, 'all').length
  const chart = drawChart({
    title: 'Facts told in free text, by how many turns ago',
    subtitle: `store, rules and critic without a model; ${asked} questions a point; bars are 95 % intervals`,
    panels: [
      {
        x: { title: 'turns between telling and asking', kind: 'log' },
        y: { title: 'percent', domain: [0, 1], format: percent },
        series,
      },
    ],
  })
  writeFileSync(values.picture, chart)
}
